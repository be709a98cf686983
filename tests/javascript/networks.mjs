/** Networks to test with: layouts as a frame's header has them, random numbers that are the same each time, the texts of the page. */

import { globSync, readFileSync } from "node:fs";
import { Texts } from "../../ui/canvas/words/format.js";

const UI = new URL("../../ui/", import.meta.url);
// Those of all pages, and those that a page's own folder holds.
const CATALOGUES = globSync("**/locales/en.json", { cwd: UI }).map((path) => JSON.parse(readFileSync(new URL(path, UI), "utf8")));
export const ENGLISH = Object.assign({}, ...CATALOGUES);
export const texts = new Texts(ENGLISH);

/** Numbers from 0 to 1 (mulberry32): the same row for the same seed. */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const dense = (units, shown = Math.min(units, 32)) => ({ kind: "dense", drawn: "units", units, shown, parameters: 0, activation: "tanh", most_units: 512 });

/** What inputs can be made of. */
export const FEATURES = ["x1", "x2", "x1_squared", "x2_squared", "x1_x2", "sin_x1", "sin_x2"];
export const DRAWING = { points: 2000, classes: 6, edge: 6, decimals: 3 };


/**
 * A layout of two numbers in, two classes out.
 * @param {(number | "dropout")[]} hidden units of each layer
 * @param {object} more what differs
 */
export function layoutOf(hidden, more = {}) {
  const names = more.names ?? ["x1", "x2"];
  const output = { kind: "plane", rows: 20, columns: 20, x_range: [-6, 6], y_range: [-6, 6], value_range: [-1, 1], axes: ["x1", "x2"], dataset: "circle" };
  const layers = hidden.map((units) => (units === "dropout" ? { kind: "dropout", drawn: "mark", units: 0, shown: 0, size: 0.1 } : dense(units)));
  return {
    task: "classification", classes: ["0", "1"], metric: "accuracy", parameters: 0,
    inputs: { names, labels: names, units: more.inputs ?? names.length, shown: names.length },
    limits: { layers: 12 }, features: FEATURES.map((name) => ({ name, label: name })), drawing: DRAWING,
    layers: [...layers, { ...dense(more.outputs ?? 1), kind: "output", activation: "sigmoid" }].map((layer, i) => ({ address: String(i), ...layer })),
    map: { kind: "plane", rows: 10, columns: 10 },
    ...more.layout, output: { ...output, ...more.output },
  };
}

/** A grid of numbers, row 0 at the top. @param {(x: number, y: number) => number} value at shares of the width and the height */
export function grid(rows, columns, value) {
  return Float64Array.from({ length: rows * columns }, (_, i) => value((i % columns) / (columns - 1), Math.floor(i / columns) / (rows - 1)));
}

/** A header of the run as it stands. */
export const headerOf = (more = {}) => ({
  status: "paused", step: 100, epoch: 10, structure: 1, watched: "test", loss_kind: "cross_entropy",
  losses: { train: 0.2, test: 0.3 }, metrics: { train: { accuracy: 0.95 }, test: { accuracy: 0.9 } }, metric: { name: "accuracy", form: "percent" }, journal_version: null, ...more,
});
