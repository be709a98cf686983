/** Many small images in one picture: the maps of all units over a plane, from bytes, each in its colour of the ramp. */

import { contextOf } from "../context.js";

/** All maps of a frame in one picture, so that a frame costs one upload. */
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

  /** @param {boolean} [round] whether the corners of its images are those of tiles */
  constructor(round = true) {
    this.round = round;
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
    this.corners = this.round ? roundedCorners(this.high, this.wide) : [];
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

  /** @param {Context} context @param {number} tile @param {number} x @param {number} y @param {number} width @param {number} [height] */
  draw(context, tile, x, y, width, height = width) {
    const { wide, high, across } = this;
    context.drawImage(this.canvas, (tile % across) * wide, Math.floor(tile / across) * high, wide, high, x, y, width, height);
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
