import assert from "node:assert/strict";
import { test } from "node:test";
import { borders, isoline, valueLevels } from "../../ui/canvas/output/contours.js";
import { grid, layoutOf, random } from "./networks.mjs";

function lines(segments) {
  return Array.from({ length: segments.length / 4 }, (_, i) => segments.slice(4 * i, 4 * i + 4));
}

const lengthOf = (segments) => lines(segments).reduce((sum, [x0, y0, x1, y1]) => sum + Math.hypot(x1 - x0, y1 - y0), 0);

/** How often each end of a segment occurs. */
function ends(segments) {
  const counted = new Map();
  for (const [x0, y0, x1, y1] of lines(segments)) {
    for (const end of [`${x0.toFixed(6)} ${y0.toFixed(6)}`, `${x1.toFixed(6)} ${y1.toFixed(6)}`]) counted.set(end, (counted.get(end) ?? 0) + 1);
  }
  return counted;
}

test("the level line of a cone is a circle of the right length", () => {
  const [side, radius] = [101, 30];
  const cone = Float64Array.from({ length: side * side }, (_, i) => Math.hypot((i % side) - 50, Math.floor(i / side) - 50));
  const segments = isoline(cone, side, side, radius);
  // Values stand at the middles of cells: the cone's tip is at (50.5, 50.5).
  for (const [x, y] of lines(segments)) assert.ok(Math.abs(Math.hypot(x - 50.5, y - 50.5) - radius) < 0.01);
  assert.ok(Math.abs(lengthOf(segments) - 2 * Math.PI * radius) < 0.1);
});

test("the level line of a slope is straight and stands where the slope has the level", () => {
  const segments = isoline(grid(11, 11, (x) => 10 * x), 11, 11, 3.25);
  for (const [x0, , x1] of lines(segments)) assert.deepEqual([x0, x1], [3.75, 3.75]);
  assert.equal(lengthOf(segments), 10);
});

test("a level line has no loose ends but on the edges of the map", () => {
  const next = random(5);
  const [rows, columns] = [14, 17];
  for (let round = 0; round < 30; round += 1) {
    const values = Float64Array.from({ length: rows * columns }, () => next());
    for (const [end, times] of ends(isoline(values, rows, columns, 0.5))) {
      const [x, y] = end.split(" ").map(Number);
      const edge = x <= 0.5 || y <= 0.5 || x >= columns - 0.5 || y >= rows - 0.5;
      assert.equal(times, edge ? 1 : 2, end);
    }
  }
});

test("on a saddle the middle says which corners hang together", () => {
  const high = [[0.5, 0.5], [1.5, 1.5]]; // the middles of the cells that are 1
  for (const [values, turned] of [[[1, 0, 0, 1], false], [[0, 1, 1, 0], true]]) {
    const corners = turned ? high.map(([x, y]) => [2 - x, y]) : high;
    for (const [level, joined] of [[0.4, true], [0.6, false]]) {
      for (const [x0, y0, x1, y1] of lines(isoline(values, 2, 2, level))) {
        // A line cuts off one corner: a low one where the high ones are joined, else a high one.
        const near = Math.min(...corners.map(([x, y]) => Math.hypot((x0 + x1) / 2 - x, (y0 + y1) / 2 - y)));
        assert.equal(near > 0.5, joined, `level ${level} of ${values}`);
      }
    }
  }
});

test("no line runs where all values are above the level, or below it", () => {
  const values = grid(10, 10, (x, y) => x * y);
  assert.deepEqual(isoline(values, 10, 10, -0.1), []);
  assert.deepEqual(isoline(values, 10, 10, 1.1), []);
});

test("a map within longer memory is read from where it starts", () => {
  const one = grid(9, 9, (x, y) => x - y);
  const three = Float64Array.from([...new Float64Array(81), ...one, ...new Float64Array(81)]);
  assert.deepEqual(isoline(three, 9, 9, 0.1, 81), isoline(one, 9, 9, 0.1));
});

test("the border of two halves is a straight line between them", () => {
  const segments = borders(grid(12, 12, (x) => (x < 0.5 ? 0 : 1)), 12, 12);
  for (const [x0, , x1] of lines(segments)) assert.deepEqual([x0, x1], [6, 6]);
  assert.equal(lengthOf(segments), 11);
});

test("the border of a slope between classes is no staircase", () => {
  const side = 40;
  const segments = borders(grid(side, side, (x, y) => (y < 0.3 + 0.37 * x ? 0 : 1)), side, side);
  const straight = Math.hypot(side - 1, 0.37 * (side - 1));
  assert.ok(lengthOf(segments) < 1.02 * straight, `${lengthOf(segments)} for ${straight}`);
});

test("where three classes meet, their borders meet", () => {
  const kinds = grid(12, 12, (x, y) => (y < 0.5 ? 0 : x < 0.5 ? 1 : 2));
  assert.deepEqual(new Set(ends(borders(kinds, 12, 12)).values()), new Set([1, 2, 3]));
});

test("lines of a number run at round values within its range", () => {
  for (const range of [[-1, 1], [0, 346], [0.0013, 0.0029]]) {
    const levels = valueLevels(layoutOf([], { output: { value_range: range } }));
    assert.ok(levels.length >= 3 && levels.length <= 8, `${levels}`);
    for (const level of levels) assert.ok(level >= range[0] && level <= range[1] && String(level).length <= 7);
  }
});
