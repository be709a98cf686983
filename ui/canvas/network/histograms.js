/** Under each layer, how its weights, activations and gradients are spread: three small histograms, in words too. */

import { css } from "../colours.js";
import { contextOf } from "../context.js";
import { number } from "../words/format.js";

/**
 * @typedef {NonNullable<Header["histograms"]>[string]} Bounds  of a layer's numbers
 * @typedef {{canvas: HTMLCanvasElement, column: Column, name: string, width: number, bounds: Bounds | null}} Spread
 */

export const ROWS = /** @type {const} */ (["weights", "activations", "gradients"]);
const HEIGHT = 26; // of one histogram
const GAP = 6;
const READ_EVERY = 1000; // milliseconds between changes of what a screen reader may read

export class Histograms {
  /** @type {Geometry} */
  geometry;
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {number} */
  ratio;
  /** @type {Spread[]} */
  pictures;

  /** @param {HTMLElement} panel @param {{showTip: (x: number, y: number, lines: string[]) => void, hideTip: () => void}} listener positions as in the drawing */
  constructor(panel, listener) {
    this.strip = panel.querySelector(".nn-histograms");
    this.listener = listener;
    this.read = 0;
  }

  /**
   * A new structure, width, theme or language.
   * @param {{geometry: Geometry, theme: Theme, texts: Texts, ratio: number, layerName: (column: Column) => string}} network
   */
  build({ geometry, theme, texts, ratio, layerName }) {
    Object.assign(this, { geometry, theme, texts, ratio });
    this.strip.replaceChildren();
    this.strip.style.height = `${ROWS.length * (HEIGHT + GAP) + GAP}px`;
    ROWS.forEach((row, at) => {
      const label = Object.assign(document.createElement("span"), { className: "nn-histogram-row", textContent: texts.say(`canvas.${row}`) });
      const first = geometry.tiled[1];
      label.style.cssText = `top:${GAP + at * (HEIGHT + GAP)}px;left:4px;width:${Math.max(60, first.center - this.width(first) / 2 - 12)}px;line-height:${HEIGHT}px`;
      this.strip.append(label);
    });
    this.pictures = geometry.tiled.slice(1).map((column) => this.picture(column, layerName(column)));
  }

  /** @param {Column} column */
  width(column) {
    return Math.min(column.width - 10, 84);
  }

  /** @param {Column} column @param {string} name */
  picture(column, name) {
    const width = this.width(column);
    const canvas = document.createElement("canvas");
    canvas.className = "nn-histogram";
    canvas.width = Math.round(width * this.ratio);
    canvas.height = Math.round(ROWS.length * (HEIGHT + GAP) * this.ratio);
    canvas.style.cssText = `left:${column.center - width / 2}px;top:${GAP}px;width:${width}px;height:${ROWS.length * (HEIGHT + GAP)}px`;
    canvas.role = "img";
    canvas.tabIndex = 0;
    /** @type {Spread} */
    const picture = { canvas, column, name, width, bounds: null };
    canvas.onpointerenter = canvas.onfocus = () => this.tell(picture);
    canvas.onpointerleave = canvas.onblur = () => this.listener.hideTip();
    this.strip.append(canvas);
    return picture;
  }

  /** @param {Spread} picture */
  tell(picture) {
    if (!picture.bounds) return;
    this.name(picture);
    this.listener.showTip(picture.column.center, this.geometry.height + GAP, [picture.name, ...this.lines(picture)]);
  }

  /** @param {Pick<Spread, "bounds">} picture */
  lines({ bounds }) {
    if (!bounds) return [];
    return ROWS.filter((row) => bounds[row]).map((row) => {
      const [low, high] = /** @type {Interval} */ (bounds[row]);
      return `${this.texts.say(`canvas.${row}`)}: ${this.texts.say("canvas.range", { low: number(low), high: number(high) })}`;
    });
  }

  /** @param {Spread} picture */
  name(picture) {
    picture.canvas.ariaLabel = `${picture.name}. ${this.lines(picture).join("; ")}`;
  }

  /** One frame. @param {Arrays} arrays @param {Header} header */
  draw(arrays, header) {
    const { histograms } = header;
    if (!histograms) return;
    const now = performance.now();
    const name = now - this.read > READ_EVERY;
    if (name) this.read = now;
    for (const picture of this.pictures) {
      const { address } = picture.column;
      const bounds = histograms[address];
      picture.bounds = bounds;
      if (!bounds) continue;
      if (name) this.name(picture);
      const context = contextOf(picture.canvas);
      context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      context.clearRect(0, 0, picture.width, ROWS.length * (HEIGHT + GAP));
      ROWS.forEach((row, at) => {
        const range = bounds[row]; // A layer without weights has none of these, nor of their gradients.
        if (range) this.drawOne(context, arrays[`histogram_${row}/${address}`], range, at * (HEIGHT + GAP), picture.width);
      });
    }
  }

  /**
   * Bars by sign, on a line, with a mark at zero.
   * @param {Context} context @param {Values} counts @param {Interval} range @param {number} top @param {number} width
   */
  drawOne(context, counts, [low, high], top, width) {
    const { theme } = this;
    const most = Math.max(1, ...counts);
    const bar = width / counts.length;
    const bottom = top + HEIGHT;
    for (let bin = 0; bin < counts.length; bin += 1) {
      if (!counts[bin]) continue;
      const height = Math.max(1, ((HEIGHT - 3) * counts[bin]) / most);
      const middle = low + ((bin + 0.5) / counts.length) * (high - low);
      context.fillStyle = css(middle < 0 ? theme.negative : theme.positive, 0.85);
      context.fillRect(bin * bar, bottom - height, Math.max(0.8, bar - 0.6), height);
    }
    context.fillStyle = css(theme.text, 0.4);
    context.fillRect(0, bottom, width, 1);
    if (low < 0 && high > 0) context.fillRect((-low / (high - low)) * width - 0.5, bottom - HEIGHT + 3, 1, HEIGHT - 3);
  }
}
