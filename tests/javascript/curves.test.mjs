import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../ui/canvas/curves/history.js";
import { apart } from "../../ui/canvas/curves/plot.js";
import { decades, nearest, pixelOf, placeAt, rangeOf } from "../../ui/canvas/curves/scales.js";
import { random } from "./networks.mjs";

/** Give a history rows one after the other, from this place on. */
function merge(history, from, names, values, stride = 1) {
  const rows = Array.from({ length: values.length / names.length }, (_, row) => [from + row, ...values.slice(row * names.length, (row + 1) * names.length)]);
  history.merge({ history_from: from, history_stride: stride, history_columns: names }, rows.flat());
}

function historyOf(columns) {
  const history = new History();
  const names = Object.keys(columns);
  merge(history, 0, names, columns[names[0]].flatMap((_, row) => names.map((name) => columns[name][row])));
  return history;
}

test("rows that come later are put after those that are there", () => {
  const history = new History();
  merge(history, 0, ["epoch", "loss"], [0, 0.7, 1, 0.6]);
  merge(history, 2, ["epoch", "loss"], [2, 0.5]);
  assert.equal(history.rows, 3);
  assert.deepEqual(history.columns, { epoch: [0, 1, 2], loss: [0.7, 0.6, 0.5] });
});

test("rows that come again replace those from there on", () => {
  const history = historyOf({ epoch: [0, 1, 2, 3], loss: [4, 3, 2, 1] });
  merge(history, 2, ["epoch", "loss"], [2, 9]);
  assert.equal(history.rows, 3);
  assert.deepEqual(history.columns, { epoch: [0, 1, 2], loss: [4, 3, 9] });
});

test("rows after a gap are left out, for the ones between have not come", () => {
  const history = historyOf({ epoch: [0, 1], loss: [2, 1] });
  merge(history, 5, ["epoch", "loss"], [5, 0]);
  assert.deepEqual([history.rows, history.columns.epoch], [2, [0, 1]]);
  history.clear();
  assert.deepEqual([history.rows, history.columns], [0, {}]);
});

test("a history that comes from its first row on leaves nothing of the one before", () => {
  const history = historyOf({ epoch: [0, 1], accuracy: [2, 1] });
  merge(history, 0, ["epoch", "r2"], [0, 0.5]);
  assert.deepEqual([history.rows, history.columns], [1, { epoch: [0], r2: [0.5] }]);
});

test("of a history in buckets each keeps the lowest and the highest of every curve, with the first row and the last", () => {
  const next = random(5);
  const losses = Array.from({ length: 100 }, () => next());
  const scores = Array.from({ length: 100 }, () => next());
  const history = new History();
  for (let row = 0; row < 100; row += 1) merge(history, row, ["epoch", "loss", "score"], [row, losses[row], scores[row]], row < 60 ? 1 : 8);
  for (let start = 0; start < 100; start += 8) {
    const bucket = Array.from({ length: Math.min(8, 100 - start) }, (_, i) => start + i);
    for (const values of [losses, scores]) {
      const sorted = bucket.toSorted((a, b) => values[a] - values[b]);
      assert.ok(history.places.includes(sorted[0]) && history.places.includes(sorted.at(-1)), `bucket of row ${start}`);
    }
  }
  assert.deepEqual([history.length, history.places[0], history.places.at(-1)], [100, 0, 99]);
  assert.ok(history.rows < 80 && history.rows === history.columns.loss.length);
  assert.deepEqual(history.columns.score, history.places.map((row) => scores[row]));
});

test("a short history is drawn whole", () => {
  assert.deepEqual(historyOf({ loss: [3, 1, 2] }).thinned(3, "loss"), [0, 1, 2]);
  assert.deepEqual(new History().thinned(10, "loss"), []);
});

test("a long history is drawn with few rows, in order and none twice, from its first to its last", () => {
  const next = random(2);
  for (const length of [11, 12, 100, 1001, 5000]) {
    const falling = Array.from({ length }, (_, i) => 1 / (i + 1));
    const noisy = falling.map((value) => value + 0.1 * next());
    for (const loss of [falling, noisy, falling.toReversed()]) {
      const rows = historyOf({ loss }).thinned(10, "loss");
      assert.ok(rows.length <= 10, `${rows.length} rows of ${length}`);
      assert.deepEqual([rows[0], rows.at(-1)], [0, length - 1]);
      rows.slice(1).forEach((row, i) => assert.ok(row > rows[i], `row ${row} after row ${rows[i]}`));
    }
  }
});

test("no peak and no trough is lost when a history is drawn with few rows", () => {
  const next = random(3);
  for (let round = 0; round < 50; round += 1) {
    const loss = Array.from({ length: 200 + round }, () => next());
    const [peak, trough] = [Math.floor(next() * loss.length), Math.floor(next() * loss.length)];
    loss[peak] = 5;
    if (trough !== peak) loss[trough] = -5;
    const rows = historyOf({ loss }).thinned(20, "loss");
    assert.ok(rows.includes(peak));
    assert.ok(rows.includes(trough));
  }
});

test("labels at the ends of lines lie apart, and are moved no more than they must", () => {
  assert.deepEqual(apart([0, 100], 14), [0, 0]);
  assert.deepEqual(apart([50, 54], 14), [-5, 5]);
  assert.deepEqual(apart([54, 50], 14), [5, -5]);
  const heights = [10, 10];
  const shifted = apart(heights, 14).map((shift, i) => heights[i] + shift);
  assert.equal(Math.abs(shifted[0] - shifted[1]), 14);
});

test("the range of a curve leaves out what is no number, and has a little room above", () => {
  const [low, high] = rangeOf([3, undefined, "nan", null, 5], true, false);
  assert.equal(low, 0);
  assert.ok(high > 5 && high < 5.5);
  const [from, to] = rangeOf([3, 5], false, false);
  assert.ok(from < 3 && from > 2.5 && to > 5);
  assert.deepEqual(rangeOf([undefined], true, false), [0, 1]);
  const [least, most] = rangeOf([0.4, 0.4], false, false);
  assert.ok(least < 0.4 && most > 0.4);
});

test("a logarithmic range is one of exponents, and leaves out what has no logarithm", () => {
  const [low, high] = rangeOf([0, -1, 0.01, 100], true, true);
  assert.ok(low < -2 && low > -2.5 && high > 2 && high < 2.5);
});

test("the number at a number's pixel is that number", () => {
  for (const logarithmic of [false, true]) {
    const [low, high] = logarithmic ? [-3, 1] : [0, 10];
    const scale = { low, high, start: 40, length: -200, logarithmic };
    assert.equal(pixelOf(scale, logarithmic ? 1e-3 : 0), 40);
    assert.equal(pixelOf(scale, 10), -160);
    for (const value of [0.02, 0.5, 7]) {
      const placed = placeAt(scale, pixelOf(scale, value));
      assert.ok(Math.abs((logarithmic ? 10 ** placed : placed) - value) < 1e-9);
    }
  }
});

test("a logarithmic axis has a few ticks, all within it, however long it is", () => {
  for (const [low, high] of [[-2, 1], [-0.3, 0.05], [-0.02, 0.01], [-12, 12], [-4.2, -3.9], [2, 3]]) {
    const values = decades(low, high);
    assert.ok(values.length >= 2 && values.length <= 9, `${values} between ${low} and ${high}`);
    for (const value of values) assert.ok(Math.log10(value) >= low - 1e-6 && Math.log10(value) <= high + 1e-6);
  }
});

test("the nearest number is the one that a search through all finds", () => {
  const next = random(5);
  for (let round = 0; round < 50; round += 1) {
    const rising = Array.from({ length: 1 + (round % 9) }, () => next()).sort((a, b) => a - b);
    const value = 1.4 * next() - 0.2;
    const found = rising[nearest(rising, value)];
    assert.equal(Math.abs(found - value), Math.min(...rising.map((one) => Math.abs(one - value))));
  }
});
