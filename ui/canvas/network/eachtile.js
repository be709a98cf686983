/** Tiles that are drawn one by one from the bytes of their units: value = (byte - 128) / 127 * scale. */

import { css } from "../colours.js";

/**
 * Draws one unit's tile.
 * @typedef {(context: Context, bytes: ArrayLike<number>, start: number, length: number, x: number, y: number, size: number, theme: Theme) => void} Drawer
 */

/** @implements {TilePainter} */
export class EachTile {
  /** @type {ArrayLike<number>[]} */
  bytes;
  /** @type {number[]} */
  starts;

  /** @param {(map: Layout["map"]) => number} lengthOf how many numbers a unit has @param {Drawer} draw */
  constructor(lengthOf, draw) {
    this.lengthOf = lengthOf;
    this.drawTile = draw;
    this.bytes = [];
    this.starts = [];
    this.length = 0;
  }

  /** @type {TilePainter["prepare"]} */
  prepare(_, map) {
    this.length = this.lengthOf(map);
  }

  /** @type {TilePainter["write"]} */
  write(bytes, units, first) {
    for (let unit = 0; unit < units; unit += 1) {
      this.bytes[first + unit] = bytes;
      this.starts[first + unit] = unit * this.length;
    }
  }

  ready() {}

  /** @type {TilePainter["draw"]} */
  draw(context, tile, x, y, size, theme) {
    this.drawTile(context, this.bytes[tile], this.starts[tile], this.length, x, y, size, theme);
  }
}

/**
 * A rounded tile's ground.
 * @param {Context} context @param {number} x @param {number} y @param {number} size @param {Theme} theme
 */
export function ground(context, x, y, size, theme) {
  context.fillStyle = css(theme.zero);
  context.beginPath();
  context.roundRect(x, y, size, size, size * 0.13);
  context.fill();
}
