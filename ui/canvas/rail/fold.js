/** Where the rail stands: beside the network, folded to a strip from which it opens over it, or as a sheet from below on a phone. */

import { LEAST_WIDTH } from "../screen.js";
import { make } from "./inputs.js";

const WIDTH_TO_STAND = 1180; // pixels: with less, the network and the map need the room
const KEPT = "nn-rail"; // in the browser's own store: it belongs to the person, not to the run

/** @typedef {{folded: boolean, closed: string[]}} Choices */

/** @returns {Choices} */
function recall() {
  try {
    return { folded: false, closed: ["network"], ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
  } catch {
    return { folded: false, closed: ["network"] };
  }
}

/** How the rail stands in so much room. @param {number} width @param {boolean} folded @param {boolean} hidden */
export function standOf(width, folded, hidden) {
  if (hidden) return "none";
  if (width < LEAST_WIDTH) return "sheet";
  return width >= WIDTH_TO_STAND && !folded ? "standing" : "strip";
}

export class Fold {
  /** @param {HTMLElement} root @param {() => void} changed called when the network has more room, or less */
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.choices = recall();
    this.rail = /** @type {HTMLElement} */ (root.querySelector(".nn-rail"));
    this.sheet = /** @type {HTMLElement} */ (root.querySelector(".nn-rail-sheet"));
    this.sections = /** @type {HTMLElement} */ (root.querySelector(".nn-rail-sections"));
    this.strip = /** @type {HTMLElement} */ (root.querySelector(".nn-rail-strip"));
    this.folder = /** @type {HTMLButtonElement} */ (root.querySelector(".nn-rail-fold"));
    this.closer = /** @type {HTMLButtonElement} */ (root.querySelector(".nn-rail-close"));
    this.opener = /** @type {HTMLButtonElement} */ (root.querySelector(".nn-rail-opener"));
    /** @type {HTMLElement | null} */
    this.openedBy = null;
    this.filled = false; // whether there are settings to show
    this.folder.onclick = () => this.fold();
    this.closer.onclick = () => this.close();
    this.opener.onclick = () => (this.isOpen ? this.close() : this.open(this.opener));
    this.sheet.addEventListener("keydown", (event) => {
      // What lies over the rail closes first.
      if (event.key !== "Escape" || !this.isOpen || this.sheet.querySelector(":popover-open")) return;
      event.stopPropagation();
      this.close();
    });
    this.pressed = (/** @type {Event} */ event) => {
      if (this.isOpen && !event.composedPath().some((one) => one === this.rail || one === this.opener)) this.close(false);
    };
    document.addEventListener("pointerdown", this.pressed);
    this.fit();
  }

  /** Whether it lies over the page. */
  get isOpen() {
    return this.root.classList.contains("nn-rail-open");
  }

  /** Stand as the room allows; returns whether it stands otherwise than before. */
  fit() {
    const { root } = this;
    const hidden = ["data", "network", "learning"].every((group) => (root.dataset.hide ?? "").split(" ").includes(group));
    const stand = standOf(root.clientWidth, this.choices.folded, hidden || !this.filled);
    this.folder.hidden = root.clientWidth < WIDTH_TO_STAND;
    if (stand === root.dataset.rail) return false;
    root.dataset.rail = stand;
    this.close(false);
    this.opener.hidden = stand !== "sheet";
    return true;
  }

  /** A new language. @param {Texts} texts @param {Section[]} sections */
  build(texts, sections) {
    this.texts = texts;
    this.rail.ariaLabel = texts.say("rail.name");
    /** @type {HTMLElement} */ (this.sheet.querySelector(".nn-title")).textContent = texts.say("rail.name");
    this.closer.ariaLabel = texts.say("rail.close");
    this.opener.replaceChildren(this.opener.firstElementChild ?? "", make("span", {}, texts.say("rail.open")));
    this.strip.replaceChildren(...sections.map(({ name, title }) => {
      const button = make("button", { type: "button", className: "nn-rail-tab" }, make("span", {}, title));
      button.dataset.section = name;
      button.onclick = () => (this.isOpen && this.openedBy === button ? this.close() : this.open(button, name));
      return button;
    }));
    this.nameFolder();
  }

  nameFolder() {
    const words = this.texts?.say(this.choices.folded ? "rail.unfold" : "rail.fold") ?? "";
    this.folder.ariaLabel = words;
    this.folder.title = words;
    this.folder.textContent = this.choices.folded ? "»" : "«";
  }

  /** There are settings to show. */
  fill() {
    this.filled = true;
    this.fit();
  }

  /** Beside the network or folded, as the person likes it. */
  fold() {
    this.remember({ folded: !this.choices.folded });
    this.nameFolder();
    this.changed();
    (this.choices.folded ? this.strip.querySelector("button") : this.folder).focus();
  }

  /** @param {HTMLElement} by the button @param {string} [section] to see first */
  open(by, section) {
    this.openedBy = by;
    this.root.classList.add("nn-rail-open");
    for (const button of [this.opener, ...this.strip.children]) button.ariaExpanded = String(button === by);
    const found = /** @type {HTMLDetailsElement | null} */ (section ? this.sheet.querySelector(`details[data-section="${section}"]`) : null);
    if (found) found.open = true;
    // Not by scrollIntoView, which would move the page as well.
    if (found) this.sections.scrollTop = found.offsetTop - this.sections.offsetTop;
    (found?.querySelector("summary") ?? this.closer).focus({ preventScroll: true });
  }

  /** @param {boolean} [back] whether the focus goes back to the button that opened it */
  close(back = true) {
    if (!this.isOpen) return;
    this.root.classList.remove("nn-rail-open");
    for (const button of [this.opener, ...this.strip.children]) button.ariaExpanded = "false";
    if (back) this.openedBy?.focus();
    this.openedBy = null;
  }

  /** Something was chosen: a sheet has done what it was opened for. */
  chosen() {
    if (this.root.dataset.rail === "sheet") this.close();
  }

  /** @param {string} section */
  isClosed(section) {
    return this.choices.closed.includes(section);
  }

  /** @param {string} section @param {boolean} closed */
  keep(section, closed) {
    this.remember({ closed: [...this.choices.closed.filter((name) => name !== section), ...(closed ? [section] : [])] });
  }

  /** @param {Partial<Choices>} change */
  remember(change) {
    Object.assign(this.choices, change);
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.choices));
    } catch {
      // Not kept, but in force.
    }
  }

  destroy() {
    document.removeEventListener("pointerdown", this.pressed);
  }
}
