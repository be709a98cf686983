import assert from "node:assert/strict";
import { test } from "node:test";
import { extremePosition, positionOf, regions } from "../../ui/canvas/words/regions.js";
import { grid, random } from "./networks.mjs";

/** Pieces of each class with the number of their cells, found by joining sets. */
function piecesBySets(kinds, rows, columns) {
  const parent = Array.from(kinds, (_, i) => i);
  const root = (i) => (parent[i] === i ? i : root(parent[i]));
  for (let i = 0; i < kinds.length; i += 1) {
    if ((i + 1) % columns && kinds[i] === kinds[i + 1]) parent[root(i)] = root(i + 1);
    if (i + columns < rows * columns && kinds[i] === kinds[i + columns]) parent[root(i)] = root(i + columns);
  }
  const sizes = new Map();
  for (let i = 0; i < kinds.length; i += 1) sizes.set(root(i), (sizes.get(root(i)) ?? 0) + 1);
  return [...sizes].map(([start, cells]) => ({ kind: kinds[start], cells }));
}

test("shares and pieces of a random map are those that joining sets finds", () => {
  const next = random(4);
  for (let round = 0; round < 30; round += 1) {
    const [rows, columns] = [12 + (round % 5), 15];
    const kinds = Uint8Array.from({ length: rows * columns }, () => Math.floor(3 * next() ** 2));
    const found = regions(kinds, rows, columns);
    const pieces = piecesBySets(kinds, rows, columns);
    assert.deepEqual(new Set(found.keys()), new Set(kinds));
    for (const [kind, { share, pieces: counted }] of found) {
      const own = pieces.filter((piece) => piece.kind === kind);
      assert.ok(Math.abs(share * rows * columns - own.reduce((sum, piece) => sum + piece.cells, 0)) < 1e-9);
      assert.equal(counted, Math.max(1, own.filter((piece) => piece.cells >= 2).length)); // one cell is a speck
    }
  }
});

test("a disc is enclosed by what lies around it, which touches the edges", () => {
  const kinds = grid(41, 41, (x, y) => (Math.hypot(x - 0.5, y - 0.5) < 0.25 ? 1 : 0));
  const found = regions(kinds, 41, 41);
  assert.deepEqual([found.get(1).enclosed, found.get(1).position, found.get(1).pieces], [true, "centre", 1]);
  assert.deepEqual([found.get(0).enclosed, found.get(0).pieces], [false, 1]);
  // A grid of n cells a side has its outermost middles at 0 and 1: the disc's radius is 0.25 of 40 steps.
  assert.ok(Math.abs(found.get(1).share - (Math.PI * 10 ** 2) / 41 ** 2) < 0.01);
});

test("two halves lie left and right, and the four quarters of xor in two pieces each", () => {
  const halves = regions(grid(20, 20, (x) => (x < 0.5 ? 0 : 1)), 20, 20);
  assert.deepEqual([halves.get(0).position, halves.get(1).position, halves.get(0).share], ["left", "right", 0.5]);
  const xor = regions(grid(20, 20, (x, y) => ((x < 0.5) === (y < 0.5) ? 0 : 1)), 20, 20);
  for (const kind of [0, 1]) assert.deepEqual([xor.get(kind).pieces, xor.get(kind).position], [2, "centre"]);
});

test("a map has nine positions, by thirds", () => {
  const names = [0.1, 0.5, 0.9].map((v) => [0.1, 0.5, 0.9].map((u) => positionOf(u, v)));
  assert.deepEqual(names, [["top_left", "top", "top_right"], ["left", "centre", "right"], ["bottom_left", "bottom", "bottom_right"]]);
});

test("the highest values of a slope lie where it leads, the lowest where it comes from", () => {
  const slope = grid(20, 20, (x, y) => x + y);
  assert.equal(extremePosition(slope, 20, 20, 1), "bottom_right");
  assert.equal(extremePosition(slope, 20, 20, -1), "top_left");
});
