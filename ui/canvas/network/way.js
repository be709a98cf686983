/** The way of one point through the network: each unit's activation on its tile, and what each link passes on. */

import { css } from "../colours.js";
import { contextOf } from "../context.js";
import { number } from "../words/format.js";

const SMALLEST_WITH_NUMBER = 30; // pixels of a tile
const FAINTEST = 0.06; // of the strongest contribution of a gap: less is not drawn
const MOST_LINKS = 400; // of a gap

export class Way {
  /** @type {HTMLCanvasElement} */
  canvas;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.canvas = root.querySelector(".nn-way");
    this.panel = root.querySelector(".nn-network");
    this.shown = false;
  }

  /** @param {{geometry: Geometry, theme: Theme, ratio: number}} network drawn just now @param {Arrays} arrays of the frame: probe/inputs, probe/0 ... */
  draw(network, arrays) {
    if (!hasWay(network.geometry, arrays)) {
      this.clear();
      return;
    }
    drawWay(this.fresh(network), network, arrays);
    this.show(true);
  }

  /** @param {{geometry: Geometry, ratio: number}} network */
  fresh({ geometry, ratio }) {
    const { canvas } = this;
    const [width, height] = [Math.round(geometry.width * ratio), Math.round(geometry.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) {
      Object.assign(canvas, { width, height });
      canvas.style.cssText = `width:${geometry.width}px;height:${geometry.height}px`;
    }
    const context = contextOf(canvas);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, geometry.width, geometry.height);
    return context;
  }

  clear() {
    if (!this.shown) return;
    contextOf(this.canvas).clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.show(false);
  }

  /** @param {boolean} on */
  show(on) {
    if (on === this.shown) return;
    this.shown = on;
    this.canvas.hidden = !on;
    this.panel.classList.toggle("nn-has-way", on);
  }
}

/** @param {Column} column @param {Arrays} arrays */
const answersOf = (column, arrays) => arrays[`probe/${column.address}`];

/** Whether the frame tells the way of a point through this very network. @param {Geometry} geometry @param {Arrays} arrays */
export const hasWay = (geometry, arrays) => geometry.tiled.every((column) => answersOf(column, arrays)?.length >= column.tiles.length);

/**
 * @param {Context} context @param {{geometry: Geometry, theme: Theme}} network @param {Arrays} arrays
 */
export function drawWay(context, { geometry, theme }, arrays) {
  for (let k = 1; k < geometry.tiled.length; k += 1) {
    const [source, target] = [geometry.tiled[k - 1], geometry.tiled[k]];
    if (target.links !== "weights" || target.joined) continue; // What comes is not what the units before it answer.
    drawGap(context, source, target, answersOf(source, arrays), arrays[`weight/${target.address}`], theme);
  }
  for (const column of geometry.tiled) drawColumn(context, column, answersOf(column, arrays), theme);
}

/**
 * What each link brings: activation times weight, the strongest of the gap at full strength.
 * @param {Context} context @param {Column} source @param {Column} target @param {Values} answers @param {Values} weight
 * @param {Theme} theme
 */
function drawGap(context, source, target, answers, weight, theme) {
  const parts = [];
  for (let i = 0; i < weight.length; i += 1) {
    const from = i % source.shown;
    parts.push({ from, to: (i / source.shown) | 0, value: weight[i] * answers[from] });
  }
  const strongest = Math.max(1e-9, ...parts.map((part) => Math.abs(part.value)));
  const shown = parts.filter((part) => Math.abs(part.value) > FAINTEST * strongest).sort((a, b) => Math.abs(a.value) - Math.abs(b.value)).slice(-MOST_LINKS);
  context.lineCap = "round";
  for (const { from, to, value } of shown) {
    const [a, b] = [source.tiles[from], target.tiles[to]];
    const [x0, y0, x1, y1] = [a.x + a.size, a.y + a.size / 2, b.x, b.y + b.size / 2];
    const share = Math.abs(value) / strongest;
    context.beginPath();
    context.moveTo(x0, y0);
    context.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1, y1);
    context.strokeStyle = css(value < 0 ? theme.negative : theme.positive, 0.25 + 0.7 * share);
    context.lineWidth = 1 + 4.5 * share * Math.min(1, b.size / 40);
    context.stroke();
  }
}

/**
 * A rim by sign and strength around each tile, and the number where there is room.
 * @param {Context} context @param {Column} column @param {Values} answers @param {Theme} theme
 */
function drawColumn(context, column, answers, theme) {
  const strongest = Math.max(1e-9, ...Array.from(answers, Math.abs));
  for (const tile of column.tiles) {
    const value = answers[tile.unit];
    const share = Math.abs(value) / strongest;
    const rim = Math.max(1.5, Math.min(3.5, tile.size * 0.07));
    context.beginPath();
    context.roundRect(tile.x - rim / 2, tile.y - rim / 2, tile.size + rim, tile.size + rim, tile.size * 0.13 + rim / 2);
    context.strokeStyle = css(theme.panel);
    context.lineWidth = rim + 1.5;
    context.stroke();
    context.strokeStyle = css(value < 0 ? theme.negative : theme.positive, 0.15 + 0.85 * share);
    context.lineWidth = rim;
    context.stroke();
    if (tile.size >= SMALLEST_WITH_NUMBER) drawNumber(context, tile, value, theme);
  }
}

/** @param {Context} context @param {Tile} tile @param {number} value @param {Theme} theme */
function drawNumber(context, tile, value, theme) {
  const text = number(value, 2);
  context.font = `600 ${10.5 * theme.type}px ${theme.font}`;
  const width = context.measureText(text).width + 8;
  const [x, y] = [tile.x + tile.size / 2, tile.y + tile.size / 2];
  context.beginPath();
  context.roundRect(x - width / 2, y - 8, width, 16, 8);
  context.fillStyle = css(theme.panel, 0.92);
  context.fill();
  context.fillStyle = css(theme.text);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, x, y + 0.5);
}
