/** A card over the page with a few sentences on one thing, opened by the button beside it. */

import { make } from "./inputs.js";

const EDGE = 8; // pixels to the window's edges

/** Put what lies over the page beside the button, within the window. @param {HTMLElement} over @param {HTMLElement} button */
export function place(over, button) {
  const at = button.getBoundingClientRect();
  const { width, height } = over.getBoundingClientRect();
  const below = at.bottom + 4 + height <= window.innerHeight - EDGE;
  const top = below ? at.bottom + 4 : Math.max(EDGE, at.top - 4 - height);
  const left = Math.min(Math.max(EDGE, at.left), window.innerWidth - EDGE - width);
  Object.assign(over.style, { left: `${left}px`, top: `${top}px` });
}

/** When what lies over the page closes, the focus goes back, unless it is somewhere else by then. @param {HTMLElement} over @param {() => HTMLElement | null} opener */
export function giveBackFocus(over, opener) {
  over.addEventListener("toggle", (event) => {
    const home = /** @type {Document | ShadowRoot} */ (over.getRootNode());
    const lost = !home.activeElement || home.activeElement === document.body || over.contains(home.activeElement);
    if (event.newState === "closed" && lost) opener()?.focus();
  });
}

export class Card {
  /** @param {HTMLElement} host the card lies in it */
  constructor(host) {
    this.title = make("h3", { id: "nn-card-title", className: "nn-card-title" });
    this.closer = make("button", { type: "button", className: "nn-close" }, "×");
    this.body = make("div", { className: "nn-card-body" });
    this.element = make("div", { className: "nn-card", role: "dialog", popover: "auto" }, this.title, this.closer, this.body);
    this.element.setAttribute("aria-labelledby", "nn-card-title");
    this.closer.onclick = () => this.element.hidePopover();
    /** @type {HTMLElement | null} */
    this.opener = null;
    giveBackFocus(this.element, () => this.opener);
    host.append(this.element);
  }

  /** A new language. @param {string} close */
  build(close) {
    this.closer.ariaLabel = close;
  }

  /** @param {HTMLElement} button @param {string} title @param {string[]} plain sentences for everybody @param {string[]} fine formulas and sources, below */
  open(button, title, plain, fine) {
    this.opener = button;
    this.title.textContent = title;
    this.body.replaceChildren(...plain.map((words) => make("p", {}, words)), ...fine.map((words) => make("p", { className: "nn-card-fine" }, words)));
    this.element.showPopover();
    place(this.element, button);
    this.closer.focus();
  }
}
