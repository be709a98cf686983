/** Pictures of units: images over a plane, curves over a line, bars over groups. All from bytes: value = (byte - 128) / 127 * scale. */

import { css } from "../colours.js";
import { contextOf } from "../context.js";

/** All plane maps of a frame in one picture, so that a frame costs one upload. */
export class Atlas {
  /** @type {HTMLCanvasElement} */
  canvas;
  /** @type {number} */
  rows;
  /** @type {number} */
  columns;
  /** @type {number} */
  stride;
  /** @type {number} */
  high;
  /** @type {number} */
  wide;
  /** @type {number} */
  across;
  /** @type {ImageData} */
  image;
  /** @type {Uint32Array} */
  pixels;
  /** @type {{row: number, column: number}[]} */
  corners;

  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = contextOf(this.canvas);
    this.shape = "";
  }

  /** @param {number} tiles how many @param {number} rows @param {number} columns @param {number} stride take every n-th pixel */
  prepare(tiles, rows, columns, stride) {
    const shape = [tiles, rows, columns, stride].join("x");
    if (shape === this.shape) return;
    this.shape = shape;
    this.rows = rows;
    this.columns = columns;
    this.stride = stride;
    this.high = Math.ceil(rows / stride);
    this.wide = Math.ceil(columns / stride);
    this.across = Math.max(1, Math.ceil(Math.sqrt(tiles)));
    this.canvas.width = this.across * this.wide;
    this.canvas.height = Math.ceil(tiles / this.across) * this.high;
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.corners = roundedCorners(this.high, this.wide);
  }

  /**
   * @param {ArrayLike<number>} bytes `units` maps one after the other @param {number} units @param {number} first tile they go to
   * @param {Uint32Array} ramp
   */
  write(bytes, units, first, ramp) {
    const { rows, columns, stride, wide, high, across, pixels, corners } = this;
    const line = this.canvas.width;
    for (let unit = 0; unit < units; unit += 1) {
      const tile = first + unit;
      const origin = Math.floor(tile / across) * high * line + (tile % across) * wide;
      let source = unit * rows * columns;
      if (stride === 1) {
        for (let row = 0, target = origin; row < high; row += 1, target += line) {
          for (let column = 0; column < wide; column += 1) pixels[target + column] = ramp[bytes[source++]];
        }
      } else {
        for (let row = 0, target = origin; row < high; row += 1, target += line) {
          const start = source + row * stride * columns;
          for (let column = 0; column < wide; column += 1) pixels[target + column] = ramp[bytes[start + column * stride]];
        }
      }
      for (const offset of corners) pixels[origin + offset.row * line + offset.column] = 0;
    }
  }

  upload() {
    this.context.putImageData(this.image, 0, 0);
  }

  /** @param {Context} context @param {number} tile @param {number} x @param {number} y @param {number} size */
  draw(context, tile, x, y, size) {
    const { wide, high, across } = this;
    context.drawImage(this.canvas, (tile % across) * wide, Math.floor(tile / across) * high, wide, high, x, y, size, size);
  }
}

/** Pixels outside a rounded tile, as transparent as a tile's corner. @param {number} high @param {number} wide */
function roundedCorners(high, wide) {
  const radius = Math.min(high, wide) * 0.13;
  const outside = [];
  for (let row = 0; row < high; row += 1) {
    for (let column = 0; column < wide; column += 1) {
      const dx = Math.max(radius - column - 0.5, column + 0.5 - (wide - radius), 0);
      const dy = Math.max(radius - row - 0.5, row + 0.5 - (high - radius), 0);
      if (dx > 0 && dy > 0 && dx * dx + dy * dy > radius * radius) outside.push({ row, column });
    }
  }
  return outside;
}

/**
 * A rounded tile's ground.
 * @param {Context} context @param {number} x @param {number} y @param {number} size @param {Theme} theme
 */
function ground(context, x, y, size, theme) {
  context.fillStyle = css(theme.zero);
  context.beginPath();
  context.roundRect(x, y, size, size, size * 0.13);
  context.fill();
}

/**
 * A unit's curve over a line, filled to its zero line by sign.
 * @param {Context} context @param {ArrayLike<number>} bytes @param {number} start @param {number} columns
 * @param {number} x @param {number} y @param {number} size @param {Theme} theme
 */
export function drawCurve(context, bytes, start, columns, x, y, size, theme) {
  ground(context, x, y, size, theme);
  const middle = y + size / 2;
  const scale = (size / 2) * 0.84;
  /** @param {number} column */
  const at = (column) => middle - ((bytes[start + column] - 128) / 127) * scale;
  const left = x + size * 0.05;
  const across = (size * 0.9) / (columns - 1);
  for (const { sign, colour } of [{ sign: 1, colour: theme.positive }, { sign: -1, colour: theme.negative }]) {
    context.beginPath();
    context.moveTo(left, middle);
    for (let column = 0; column < columns; column += 1) {
      const height = at(column);
      context.lineTo(left + column * across, sign > 0 ? Math.min(height, middle) : Math.max(height, middle));
    }
    context.lineTo(left + (columns - 1) * across, middle);
    context.fillStyle = css(colour, 0.55);
    context.fill();
  }
  context.beginPath();
  for (let column = 0; column < columns; column += 1) context.lineTo(left + column * across, at(column));
  context.strokeStyle = css(theme.text, 0.8);
  context.lineWidth = Math.min(1.4, size / 24);
  context.stroke();
}

/**
 * A unit's mean response per group, as bars about a zero line.
 * @param {Context} context @param {ArrayLike<number>} bytes @param {number} start @param {number} groups
 * @param {number} x @param {number} y @param {number} size @param {Theme} theme
 */
export function drawBars(context, bytes, start, groups, x, y, size, theme) {
  ground(context, x, y, size, theme);
  const middle = y + size / 2;
  const scale = (size / 2) * 0.84;
  const inside = size * 0.84;
  const slot = inside / groups;
  const bar = Math.max(1, slot * 0.72);
  for (let group = 0; group < groups; group += 1) {
    const value = (bytes[start + group] - 128) / 127;
    const height = Math.max(0.75, Math.abs(value) * scale);
    context.fillStyle = css(value < 0 ? theme.negative : theme.positive);
    const left = x + (size - inside) / 2 + slot * group + (slot - bar) / 2;
    context.fillRect(left, value < 0 ? middle : middle - height, bar, height);
  }
  context.fillStyle = css(theme.text, 0.45);
  context.fillRect(x + size * 0.06, middle - 0.5, size * 0.88, 1);
}
