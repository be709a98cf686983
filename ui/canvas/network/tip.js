/** The words beside what is under the pointer or has the focus. */

import { columnAt, columnBefore } from "./geometry.js";
import { INPUTS } from "./places.js";
import { number } from "../words/format.js";

const LINKS_ABOVE = 8; // pixels between a link and its words

export class Tip {
  /** @param {HTMLElement} element in the picture @param {HTMLElement} tiles where places are counted from */
  constructor(element, tiles) {
    this.element = element;
    this.tiles = tiles;
    this.shown = 0;
  }

  /** @param {number} x @param {number} y of the picture @param {string[]} lines @param {number} width */
  show(x, y, lines, width) {
    const { element } = this;
    this.shown = performance.now();
    element.replaceChildren(...lines.map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    element.hidden = false;
    const half = element.offsetWidth / 2;
    const left = Math.max(half + 2, Math.min(width - half - 2, x));
    element.style.transform = `translate(${left - half}px, ${this.tiles.offsetTop + y - element.offsetHeight - 6}px)`;
  }

  hide() {
    this.element.hidden = true;
  }

  get visible() {
    return !this.element.hidden;
  }
}

/**
 * What there is to say of a place, and where.
 * @param {Network} network @param {Place} place @param {Arrays} arrays
 */
export function wordsOf(network, place, arrays) {
  const { texts } = network;
  const column = network.columnOf(place.address);
  const tile = column.tiles[place.unit];
  const lines = [network.names.placeName(place), ...(place.kind === "unit" ? unitLines(texts, place, arrays) : linkLines(network, place, arrays))];
  if (place.kind === "unit") return { x: tile.x + tile.size / 2, y: tile.y, lines };
  const from = columnBefore(network.geometry, column).tiles[place.input];
  return { x: (from.x + from.size + tile.x) / 2, y: (from.y + from.size / 2 + tile.y + tile.size / 2) / 2 - LINKS_ABOVE, lines };
}

/** @param {Texts} texts @param {import("./places.js").UnitPlace} place @param {Arrays} arrays */
function unitLines(texts, { address, unit }, arrays) {
  if (address === INPUTS) return [];
  /** @type {Say} */
  const say = (key, values) => texts.say(`canvas.${key}`, values);
  const lines = [say("bias", { value: number(arrays[`bias/${address}`][unit]) })];
  const health = arrays[`health/${address}`]?.[unit];
  if (arrays[`silenced/${address}`]?.[unit]) lines.push(say("silenced"));
  else if (health) lines.push(say(`health_${health}`));
  return lines;
}

/** @param {{texts: Texts, geometry: Geometry}} network @param {import("./places.js").LinkPlace} place @param {Arrays} arrays */
function linkLines({ texts, geometry }, place, arrays) {
  const { address } = place;
  const at = place.unit * columnBefore(geometry, columnAt(geometry, address)).shown + place.input;
  const { [`weight/${address}`]: weight, [`gradient/${address}`]: gradient, [`update/${address}`]: update } = arrays;
  const lines = [texts.say("canvas.weight", { value: number(weight[at]) })];
  if (gradient) lines.push(texts.say("canvas.motion", { gradient: number(gradient[at], 2), update: number(update[at], 2) }));
  if (arrays[`frozen/${address}`]?.[at]) lines.push(texts.say("canvas.frozen"));
  return lines;
}
