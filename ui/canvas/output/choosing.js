/** Choosing the row that is seen in the network: a press, Enter or an arrow key on one of the rows in the panel of the output. */

import { outputKind } from "../kinds.js";
import { isRight } from "../kinds/examples.js";
import { number, percent } from "../words/format.js";
import { placeBeside } from "./grid.js";

const NAMES = { train: "canvas.train_row", test: "canvas.test_row" };

/** @typedef {import("./grid.js").Place} Place */

export class Choosing {
  /** @type {Layout} */
  layout;
  /** @type {Arrays} */
  constants;
  /** @type {Texts} */
  texts;
  /** @type {Arrays | null} */
  arrays;
  /** @type {Place[]} */
  tiles;
  /** @type {HTMLButtonElement[]} */
  buttons;
  /** @type {ExampleFrame | null} */
  seen;

  /** @param {HTMLElement} root @param {{want: Want}} host */
  constructor(root, host) {
    this.host = host;
    this.frame = root.querySelector(".nn-map");
    this.list = root.querySelector(".nn-examples");
    this.menu = root.querySelector(".nn-output .nn-view");
    this.arrays = this.seen = null;
    this.tiles = [];
    this.buttons = [];
    this.at = 0;
    this.drawn = "";
    this.on = true; // whether rows are seen now
    this.list.onkeydown = (event) => this.walk(event);
  }

  /** Whether there are rows to choose from. */
  get possible() {
    return this.tiles.length > 0;
  }

  /** A new structure, width or language, or other rows. @param {Layout} layout @param {Arrays} constants @param {Texts} texts @param {Box} box */
  build(layout, constants, texts, box) {
    Object.assign(this, { layout, constants, texts });
    this.drawn = "";
    const places = outputKind(layout).places?.(box, layout);
    const rows = places?.tiles.filter(({ split, index }) => constants[`examples/${split}_rows`]?.[index] !== undefined) ?? [];
    const focused = this.list.querySelector(":focus") !== null;
    this.tiles = rows;
    this.at = Math.min(this.at, Math.max(0, rows.length - 1));
    this.buttons = rows.map((place, at) => this.button(place, at));
    this.list.replaceChildren(...this.buttons);
    this.list.ariaLabel = texts.say("canvas.examples_list");
    this.menu.hidden = places !== undefined;
    this.frame.role = places ? "group" : "application";
    this.frame.tabIndex = places ? -1 : 0;
    if (places) this.frame.ariaLabel = texts.say("canvas.examples_list");
    this.mark();
    this.show(this.on);
    if (focused) this.buttons[this.at]?.focus({ preventScroll: true });
  }

  /** @param {Place} place @param {number} at */
  button(place, at) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "nn-example", role: "option", tabIndex: -1 });
    button.style.cssText = `left:${place.x}px;top:${place.y}px;width:${place.width}px;height:${place.height}px`;
    button.ariaLabel = this.nameOf(place);
    button.onpointerenter = button.onfocus = () => { button.ariaLabel = button.title = this.nameOf(place); };
    button.onclick = () => this.choose(at);
    return button;
  }

  /** @param {Place} place */
  rowOf({ split, index }) {
    return this.constants[`examples/${split}_rows`][index];
  }

  /** A row in words, with what is predicted for it now. @param {Place} place */
  nameOf(place) {
    const { layout, texts, constants, arrays } = this;
    const { split, index } = place;
    const target = constants[`examples/${split}_target`]?.[index];
    const answer = arrays?.[`predictions/${split}`]?.[index];
    const name = texts.say(NAMES[split], { number: this.rowOf(place) + 1 });
    if (target === undefined) return name;
    /** @param {number} value */
    const written = (value) => (layout.output.steps ? percent(value, 0) : layout.task === "classification" ? layout.classes[value] ?? String(value) : number(value));
    const right = isRight(layout, target, answer);
    const told = right === null ? "" : ` (${texts.say(right ? "canvas.probe_right" : "canvas.probe_wrong")})`;
    const predicted = answer === undefined ? "" : ` · ${texts.say("canvas.probe_predicted")} ${written(answer)}${told}`;
    return `${name} · ${texts.say("canvas.probe_true")} ${written(target)}${predicted}`;
  }

  /** @param {number} at */
  choose(at) {
    const place = this.tiles[at];
    this.at = at;
    this.host.want({ example: { split: place.split, row: this.rowOf(place) } });
  }

  /** @param {KeyboardEvent} event */
  walk(event) {
    const from = this.buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const to = from < 0 ? null : placeBeside(this.tiles, from, event.key);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.choose(to);
    this.mark();
    this.buttons[to].focus({ preventScroll: true });
  }

  /** One frame. @param {Arrays} arrays @param {ExampleFrame | null} example @returns {boolean} whether the rows look otherwise than they were drawn */
  read(arrays, example) {
    const before = this.arrays;
    this.arrays = arrays;
    if (!this.possible) return false;
    if (example?.row !== this.seen?.row || example?.split !== this.seen?.split) {
      this.seen = example;
      const at = this.tiles.findIndex((place) => place.split === example?.split && this.rowOf(place) === example.row);
      if (at >= 0) this.at = at;
      this.mark();
    }
    const drawn = `${example?.split} ${example?.row}`;
    const same = drawn === this.drawn && ["train", "test"].every((split) => before?.[`predictions/${split}`] === arrays[`predictions/${split}`]);
    this.drawn = drawn;
    return !same;
  }

  /** Which one is chosen. */
  mark() {
    this.buttons.forEach((button, at) => {
      button.tabIndex = at === this.at ? 0 : -1;
      const place = this.tiles[at];
      button.ariaSelected = String(place.split === this.seen?.split && this.rowOf(place) === this.seen?.row);
    });
  }

  /** Rows are seen where no unit is looked at. @param {boolean} on */
  show(on) {
    this.on = on;
    this.list.hidden = !on || !this.possible;
  }
}
