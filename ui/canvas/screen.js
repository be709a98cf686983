/** Whether all of the canvas fits on the screen without scrolling, and how its rows share the height there. */

export const LEAST_WIDTH = 861; // below it the parts stand under one another, as in canvas.css
const LEAST_HEIGHT = 520; // with less, the network would have no room
const BELOW = 10; // pixels between the canvas and the window's lower edge

export class Screen {
  /** @param {HTMLElement} root @param {() => void} resized called when the canvas or the window has another size */
  constructor(root, resized) {
    this.root = root;
    this.resized = resized;
    this.observer = new ResizeObserver(resized);
    this.observer.observe(root);
    window.addEventListener("resize", resized);
    this.menus = /** @type {HTMLDetailsElement[]} */ ([...root.querySelectorAll("details.nn-view")]);
    for (const menu of this.menus) {
      menu.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || !menu.open) return;
        event.stopPropagation();
        menu.open = false;
        menu.querySelector("summary")?.focus();
      });
      // A menu closes when the focus or a press goes elsewhere.
      menu.addEventListener("focusout", (event) => {
        if (event.relatedTarget && !menu.contains(/** @type {Node} */ (event.relatedTarget))) menu.open = false;
      });
    }
    root.addEventListener("pointerdown", (event) => {
      for (const menu of this.menus) if (!event.composedPath().includes(menu)) menu.open = false;
    });
  }

  /** @param {Texts} texts */
  build(texts) {
    for (const menu of this.menus) {
      const name = menu.closest(".nn-output") ? "canvas.view_output" : "canvas.view_network";
      /** @type {HTMLElement} */ (menu.querySelector("summary")).ariaLabel = texts.say(name);
    }
  }

  /** Give the rows the height that is left below the page's heading; returns that height, null where the page scrolls. */
  fit() {
    const { root } = this;
    const main = document.querySelector("[data-testid=stMain]");
    const top = root.getBoundingClientRect().top + (main?.scrollTop ?? 0);
    const room = Math.floor(window.innerHeight - top - BELOW);
    const one = root.clientWidth >= LEAST_WIDTH && room >= LEAST_HEIGHT;
    root.classList.toggle("nn-one-screen", one);
    if (one) root.style.setProperty("--nn-room", `${room}px`);
    return one ? room : null;
  }

  destroy() {
    this.observer.disconnect();
    window.removeEventListener("resize", this.resized);
  }
}
