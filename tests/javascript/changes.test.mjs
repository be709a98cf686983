import assert from "node:assert/strict";
import { test } from "node:test";
import { grouped, linesOf } from "../../ui/canvas/time/changes.js";
import { pixelOf, stopOf } from "../../ui/canvas/time/scale.js";
import { random, texts } from "./networks.mjs";

const change = (step) => ({ step, words: `step ${step}` });

test("a change stands at the moment of its step, or between the two that lie around it", () => {
  const steps = [0, 10, 20, 40];
  assert.deepEqual([0, 10, 40].map((step) => stopOf(step, steps)), [0, 1, 3]);
  assert.deepEqual([5, 30].map((step) => stopOf(step, steps)), [0.5, 2.5]);
});

test("of several moments at one step, as edits leave them, it stands at the first", () => {
  assert.equal(stopOf(10, [0, 10, 10, 20]), 1);
});

test("after the last kept moment it stands between that and now", () => {
  const stop = stopOf(41, [0, 10, 20, 40]);
  assert.ok(stop > 3 && stop < 4);
});

test("the line runs from the middle of the thumb at the first stop to that at the last", () => {
  assert.deepEqual([pixelOf(0, 8, 214), pixelOf(8, 8, 214), pixelOf(4, 8, 214)], [7, 207, 107]);
});

test("changes that fall on one spot share a mark, no two marks overlap, and none is lost", () => {
  const next = random(4);
  for (let round = 0; round < 100; round += 1) {
    const steps = Array.from({ length: 60 }, () => Math.floor(next() * 1000)).sort((a, b) => a - b);
    const groups = grouped(steps.map(change), (step) => step);
    assert.deepEqual(groups.flatMap((group) => group.changes.map((one) => one.step)), steps);
    groups.slice(1).forEach((group, i) => assert.ok(group.x - groups[i].x >= 24));
  }
});

test("changes far from one another have a mark each", () => {
  assert.equal(grouped([change(1), change(2), change(3)], (step) => 40 * step).length, 3);
});

test("the words of a mark are a line a change, and of many changes the first ones and their number", () => {
  const of = (count) => linesOf(Array.from({ length: count }, (_, i) => change(i)), texts);
  assert.deepEqual(of(2), ["step 0", "step 1"]);
  assert.equal(of(6).length, 6);
  assert.deepEqual([of(7).length, of(7).at(-1)], [6, "and 2 more changes"]);
  assert.equal(of(200).at(-1), "and 195 more changes");
});
