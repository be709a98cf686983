/** Where numbers stand on a plot: ranges, ticks, pixels. */

import { ticks } from "../axes.js";

const ROOM = 1.06; // of the highest value, so that no line runs along the edge

/**
 * @typedef {{low: number, high: number, start: number, length: number, logarithmic: boolean}} Scale
 *   from `low`, at pixel `start`, to `high`, `length` pixels on (upwards: a negative length); of a logarithmic one both are exponents of ten
 */

/** @param {Scale} scale @param {number} value */
export const pixelOf = ({ low, high, start, length, logarithmic }, value) =>
  start + (((logarithmic ? Math.log10(value) : value) - low) / (high - low)) * length;

/** The number at a pixel, as an exponent on a logarithmic scale. @param {Scale} scale @param {number} pixel */
export const placeAt = ({ low, high, start, length }, pixel) => low + ((pixel - start) / length) * (high - low);

/** The range of values that shows these: from 0 where they may be compared with nothing, exponents of ten where it is logarithmic. @param {(Finite | undefined)[]} values @param {boolean} fromZero @param {boolean} logarithmic @returns {[number, number]} */
export function rangeOf(values, fromZero, logarithmic) {
  const shown = /** @type {number[]} */ (values.filter((value) => Number.isFinite(value) && (!logarithmic || Number(value) > 0)));
  const placed = logarithmic ? shown.map(Math.log10) : shown;
  if (!placed.length) return [0, 1];
  const lowest = placed.reduce((one, other) => Math.min(one, other));
  const highest = placed.reduce((one, other) => Math.max(one, other));
  const low = fromZero && !logarithmic ? Math.min(0, lowest) : lowest;
  const room = (highest - low || Math.abs(highest) || 1) * (ROOM - 1);
  return [low === 0 ? 0 : low - room, highest + room];
}

/** Values at which a logarithmic axis has a tick, between these exponents of ten: powers of ten, with steps between where few of them fit. @param {number} low @param {number} high */
export function decades(low, high) {
  const powers = Math.floor(high) - Math.ceil(low) + 1;
  const every = Math.max(1, Math.ceil(powers / 6));
  const steps = powers >= 3 ? [1] : powers === 2 ? [1, 3] : [1, 2, 5];
  const values = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1) {
    if (((power % every) + every) % every) continue;
    for (const step of steps) values.push(step * 10 ** power);
  }
  const fitting = values.filter((value) => Math.log10(value) >= low - 1e-9 && Math.log10(value) <= high + 1e-9);
  // Within less than a decade there may be none of these.
  return fitting.length >= 2 ? fitting : ticks([10 ** low, 10 ** high], 4).values;
}

/** The index of the number nearest to this one, among numbers that rise. @param {number[]} rising @param {number} value */
export function nearest(rising, value) {
  let [low, high] = [0, rising.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (rising[middle] <= value) low = middle;
    else high = middle;
  }
  return Math.abs((rising[high] ?? Infinity) - value) < Math.abs(rising[low] - value) ? high : low;
}
