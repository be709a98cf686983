/** Maps of cells as images: one pixel a cell, which the browser makes as large as they are shown. */

import { contextOf } from "../context.js";

/** The image of the large map. */
export class Cells {
  /** @type {ImageData} */
  data;
  /** @type {Uint32Array} */
  pixels;

  /** @param {HTMLCanvasElement} image */
  constructor(image) {
    this.image = image;
    this.shape = "";
  }

  /** As many cells as these; what was painted may be gone. @param {number} rows @param {number} columns @returns {Uint32Array} their pixels, row after row from the top */
  of(rows, columns) {
    const shape = `${rows}x${columns}`;
    if (shape !== this.shape) {
      this.shape = shape;
      this.image.width = columns;
      this.image.height = rows;
      this.data = contextOf(this.image).createImageData(columns, rows);
      this.pixels = new Uint32Array(this.data.data.buffer);
    }
    return this.pixels;
  }

  /** What was written into the pixels is seen. */
  show() {
    contextOf(this.image).putImageData(this.data, 0, 0);
  }
}

/** @type {HTMLCanvasElement | undefined} */
let small;

/**
 * Put cells over a square.
 * @param {Context} context @param {number} rows @param {number} columns @param {number} size
 * @param {(i: number) => number} pixelAt a little-endian pixel
 */
export function paintSquare(context, rows, columns, size, pixelAt) {
  small ??= document.createElement("canvas");
  small.width = columns;
  small.height = rows;
  const inner = contextOf(small);
  const data = inner.createImageData(columns, rows);
  const pixels = new Uint32Array(data.data.buffer);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = pixelAt(i);
  inner.putImageData(data, 0, 0);
  context.drawImage(small, 0, 0, size, size);
}
