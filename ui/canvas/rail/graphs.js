/** A menu whose choices have a graph each: a button with the chosen one, and a list over the page. */

import { headOf, make } from "./inputs.js";
import { giveBackFocus, place } from "./card.js";

const [WIDTH, HEIGHT] = [44, 28];
const [LOW, HIGH] = [-1.25, 2]; // the values between which a curve is seen

/** The way of a curve, given at equal steps, through a box. @param {number[]} values */
export function pathOf(values) {
  return values.map((value, at) => {
    const x = (at / (values.length - 1)) * WIDTH;
    const y = HEIGHT * (1 - (value - LOW) / (HIGH - LOW)); // What lies outside is cut off by the box.
    return `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
  }).join("");
}

/** @param {string} name @param {Record<string, string>} attributes */
function draw(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** @param {number[]} values */
function graphOf(values) {
  const svg = draw("svg", { class: "nn-graph", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", focusable: "false" });
  const zero = HEIGHT * (HIGH / (HIGH - LOW));
  svg.append(
    draw("path", { class: "nn-graph-axes", d: `M0 ${zero}H${WIDTH}M${WIDTH / 2} 0V${HEIGHT}` }),
    draw("path", { class: "nn-graph-curve", d: pathOf(values) }),
  );
  return svg;
}

/**
 * @param {Field} field @param {string} path @param {Kit} kit @param {Record<string, number[]>} curves by kind @param {() => {plain?: string, fine?: string}} more help
 * @returns {{element: HTMLElement, offer: (options: Option[], chosen: string) => void}}
 */
export function graphMenu(field, path, kit, curves, more) {
  const id = `nn-set-${path.replaceAll(".", "-")}`;
  const button = make("button", { type: "button", id, className: "nn-set-select nn-set-graph" });
  button.ariaHasPopup = "listbox";
  button.ariaExpanded = "false";
  const list = make("div", { className: "nn-graphs", role: "listbox", ariaLabel: field.label, popover: "auto" });
  /** @type {Option[]} */
  let options = [];
  let chosen = "";
  let written = "";

  /** @param {string} value */
  const take = (value) => {
    list.hidePopover();
    if (value !== chosen) kit.choose(path, value);
  };
  /** @param {number} at */
  const walk = (at) => /** @type {HTMLElement | undefined} */ (list.children[(at + options.length) % options.length])?.focus();
  const open = () => {
    list.replaceChildren(...options.map(({ value, title }) => {
      const option = make("div", { className: "nn-graph-option", role: "option", tabIndex: -1, ariaSelected: String(value === chosen) }, graphOf(curves[value]), title);
      option.onclick = () => take(value);
      return option;
    }));
    list.showPopover();
    place(list, button);
    walk(Math.max(0, options.findIndex(({ value }) => value === chosen)));
  };
  button.onclick = open;
  button.onkeydown = (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    open();
  };
  giveBackFocus(list, () => button);
  list.addEventListener("toggle", (event) => {
    button.ariaExpanded = String(event.newState === "open");
  });
  list.onkeydown = (event) => {
    const at = [...list.children].findIndex((option) => option === event.target);
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: () => walk(at + 1), ArrowUp: () => walk(at - 1), Home: () => walk(0), End: () => walk(-1),
      Enter: () => take(options[at].value), " ": () => take(options[at].value), Tab: () => list.hidePopover(),
    };
    const letter = event.key.length === 1 && event.key !== " " ? event.key.toLowerCase() : "";
    const found = letter ? options.findIndex(({ title }, index) => index > at && title.toLowerCase().startsWith(letter)) : -1;
    const act = keys[event.key] ?? (found >= 0 ? () => walk(found) : null);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  return {
    element: make("div", { className: "nn-set" }, headOf(field, id, kit, more), button, list),
    offer(offered, now) {
      options = offered;
      if (kit.hand.holds(path)) return;
      chosen = now;
      const title = options.find(({ value }) => value === chosen)?.title ?? chosen;
      if (title === written) return;
      written = title;
      button.replaceChildren(graphOf(curves[chosen]), make("span", {}, title));
    },
  };
}
