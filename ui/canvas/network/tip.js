/** The words beside what is under the pointer or has the focus. */

import { columnAt, columnBefore } from "./geometry.js";
import { INPUTS } from "./items.js";
import { unitKind } from "../kinds.js";
import { number } from "../words/format.js";

const ABOVE = 2; // pixels between the upper neuron of a link and its words

export class Tip {
  /** @param {HTMLElement} element in the picture @param {HTMLElement} tiles from which positions are counted */
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
 * What there is to say of an item, and where.
 * @param {Network} network @param {Item} item @param {Arrays} arrays
 */
export function wordsOf(network, item, arrays) {
  const column = network.columnOf(item.address);
  const tile = column.tiles[item.unit];
  const lines = [network.names.itemName(item), ...(item.kind === "unit" ? unitLines(network, item, arrays) : linkLines(network, item, arrays))];
  if (item.kind === "unit") return { x: tile.x + tile.size / 2, y: tile.y, lines };
  const from = columnBefore(network.geometry, column).tiles[item.input];
  // Above both of its neurons, so that neither is hidden.
  return { x: (from.x + from.size + tile.x) / 2, y: Math.min(from.y, tile.y) - ABOVE, lines };
}

/** @param {Network} network @param {import("./items.js").UnitItem} item @param {Arrays} arrays */
function unitLines(network, item, arrays) {
  const { address, unit } = item;
  const { texts } = network;
  const picture = pictureWords(network, item, arrays);
  if (address === INPUTS) return picture ? [picture] : [];
  /** @type {Say} */
  const say = (key, values) => texts.say(`canvas.${key}`, values);
  const bias = arrays[`bias/${address}`];
  const lines = [...(picture ? [picture] : []), ...(bias ? [say("bias", { value: number(bias[unit]) })] : [])];
  const health = arrays[`health/${address}`]?.[unit];
  if (arrays[`silenced/${address}`]?.[unit]) lines.push(say("silenced"));
  else if (health) lines.push(say(`health_${health}`));
  return lines;
}

/** What the picture of a unit shows now. @param {Network} network @param {import("./items.js").UnitItem} item @param {Arrays} arrays */
export function pictureWords(network, item, arrays) {
  const { layout, constants, texts } = network;
  return unitKind(layout, item.address).words?.({ layout, constants, texts, unit: item }, arrays) ?? "";
}

/** @param {{texts: Texts, geometry: Geometry}} network @param {import("./items.js").LinkItem} item @param {Arrays} arrays */
function linkLines({ texts, geometry }, item, arrays) {
  const { address } = item;
  const at = item.unit * columnBefore(geometry, columnAt(geometry, address)).shown + item.input;
  const { [`weight/${address}`]: weight, [`gradient/${address}`]: gradient, [`update/${address}`]: update } = arrays;
  const lines = [texts.say("canvas.weight", { value: number(weight[at]) })];
  if (gradient) lines.push(texts.say("canvas.gradient", { value: number(gradient[at], 2) }), texts.say("canvas.last_update", { value: number(update[at], 2) }));
  if (arrays[`frozen/${address}`]?.[at]) lines.push(texts.say("canvas.frozen"));
  return lines;
}
