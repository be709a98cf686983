/** Dialogs of the canvas: native ones, so that Escape closes them, the page behind stands still and focus goes back to where it was. */

export class Dialog {
  /** @param {HTMLDialogElement} element with a `.nn-close` button @param {HTMLButtonElement} opener */
  constructor(element, opener) {
    this.element = element;
    this.opener = opener;
    this.closer = element.querySelector(".nn-close");
    this.closer.onclick = () => element.close();
    // Its ground is not its content: a press beside the dialog closes it too.
    element.onclick = (event) => {
      if (event.target === element) element.close();
    };
  }

  /** A new language. @param {string} title @param {string} close */
  name(title, close) {
    this.element.querySelector(".nn-dialog-title").textContent = title;
    this.closer.ariaLabel = close;
    this.opener.ariaLabel = title;
  }

  open() {
    if (!this.element.open) this.element.showModal();
  }
}
