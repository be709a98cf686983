/** Maps of few pixels on tiles, each pixel as sharp as it is: whole device pixels a pixel wherever there is room. */

import { mix } from "../colours.js";
import { Atlas } from "./atlas.js";
import { ground } from "./eachtile.js";

/**
 * Where a map of so many pixels stands in a square, in whole multiples of a pixel where it is smaller.
 * @param {number} rows @param {number} columns @param {number} x @param {number} y @param {number} size @param {number} ratio device pixels a CSS pixel
 */
export function fitted(rows, columns, x, y, size, ratio) {
  const room = (size * ratio) / Math.max(rows, columns);
  const cell = (room >= 1 ? Math.floor(room + 1e-6) : room) / ratio;
  return { left: x + (size - cell * columns) / 2, top: y + (size - cell * rows) / 2, cell };
}

/** @implements {TilePainter} */
export class PixelTiles {
  /** @type {UnitMap} */
  map;

  /** @param {boolean} [stretched] whether a map of one row is as high as its tile */
  constructor(stretched = false) {
    this.stretched = stretched;
    this.atlas = new Atlas(false);
  }

  /** @type {TilePainter["prepare"]} */
  prepare(units, map) {
    this.map = map;
    this.atlas.prepare(units, map.rows, map.columns, 1);
  }

  /** @type {TilePainter["write"]} */
  write(bytes, units, first, theme) {
    this.atlas.write(bytes, units, first, this.map.grey ? greys(theme) : theme.ramp);
  }

  ready() {
    this.atlas.upload();
  }

  /** @type {TilePainter["draw"]} */
  draw(context, tile, x, y, size, theme) {
    ground(context, x, y, size, theme);
    const { rows, columns } = this.map;
    const edge = size * 0.035;  // The tile's corners are round, its map is not.
    const { left, top, cell } = fitted(rows, columns, x + edge, y + edge, size - 2 * edge, Math.min(2, globalThis.devicePixelRatio || 1));
    context.imageSmoothingEnabled = false;
    if (this.stretched) this.atlas.draw(context, tile, x + edge, y + edge, size - 2 * edge, size - 2 * edge);
    else this.atlas.draw(context, tile, left, top, cell * columns, cell * rows);
    context.imageSmoothingEnabled = true;
  }
}

/** @type {{key: string, ramp: Uint32Array}} */
let latest = { key: "", ramp: new Uint32Array(0) };

/** Pixels of the data, from 0 to 255, as little-endian pixels. @param {Theme} theme */
export function greys(theme) {
  if (latest.key !== theme.key) {
    const ramp = Uint32Array.from({ length: 256 }, (_, byte) => {
      const [red, green, blue] = mix(theme.zero, theme.text, byte / 255);
      return ((255 << 24) | ((blue & 255) << 16) | ((green & 255) << 8) | (red & 255)) >>> 0;
    });
    latest = { key: theme.key, ramp };
  }
  return latest.ramp;
}
