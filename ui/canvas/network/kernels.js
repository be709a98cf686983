/** The kernels of the unit that is pinned, one for each map before it, as small tables of numbers in their colours. */

import { css } from "../colours.js";
import { contextOf } from "../context.js";
import { fixed } from "../words/format.js";

const [WIDE, HIGH] = [36, 16]; // of a cell
const GAP = 12;

export class Kernels {
  /** @type {Values | null} */
  drawn;

  /** @param {HTMLElement} strip that holds them */
  constructor(strip) {
    this.strip = strip;
    this.canvas = document.createElement("canvas");
    this.strip.append(this.canvas);
    this.strip.role = "img";
    this.drawn = null;
  }

  /** @param {Values | undefined} kernel (sources, rows, columns) or (sources, steps) @param {{theme: Theme, texts: Texts}} network @param {boolean} on */
  draw(kernel, { theme, texts }, on) {
    this.strip.hidden = !on || !kernel;
    if (this.strip.hidden || !kernel || kernel === this.drawn) return;
    this.drawn = kernel;
    const [sources, ...size] = kernel.shape;
    const [rows, columns] = size.length > 1 ? size : [1, size[0]];
    const width = sources * (columns * WIDE + GAP) - GAP;
    const height = rows * HIGH;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    this.canvas.style.cssText = `width:${width}px;height:${height}px`;
    const context = contextOf(this.canvas);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = `${10.5 * theme.type}px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const largest = Math.max(1e-9, ...Array.from(kernel, Math.abs));
    kernel.forEach((value, i) => {
      const [source, at] = [Math.floor(i / (rows * columns)), i % (rows * columns)];
      const x = source * (columns * WIDE + GAP) + (at % columns) * WIDE;
      const y = Math.floor(at / columns) * HIGH;
      context.fillStyle = css(theme.rampColours[Math.round(128 + (value / largest) * 80)]);
      context.fillRect(x, y, WIDE - 1, HIGH - 1);
      context.fillStyle = css(theme.text);
      context.fillText(fixed(value, 2), x + WIDE / 2 - 0.5, y + HIGH / 2);
    });
    this.strip.ariaLabel = texts.say("canvas.kernels_help", { count: sources, rows, columns });
    this.strip.title = this.strip.ariaLabel;
  }
}
