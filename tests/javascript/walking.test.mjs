import assert from "node:assert/strict";
import { test } from "node:test";

import { unitBeside } from "../../ui/canvas/network/walking.js";

const COLUMNS = [["x1", "x2"], ["a", "b", "c"], ["out"]];

test("an arrow leads to the unit beside", () => {
  assert.equal(unitBeside(COLUMNS, "x2", "ArrowRight"), "b");
  assert.equal(unitBeside(COLUMNS, "b", "ArrowLeft"), "x2");
  assert.equal(unitBeside(COLUMNS, "b", "ArrowUp"), "a");
  assert.equal(unitBeside(COLUMNS, "b", "ArrowDown"), "c");
});

test("at an edge it stays, and a shorter column gives its last unit", () => {
  assert.equal(unitBeside(COLUMNS, "a", "ArrowUp"), "a");
  assert.equal(unitBeside(COLUMNS, "c", "ArrowDown"), "c");
  assert.equal(unitBeside(COLUMNS, "x1", "ArrowLeft"), "x1");
  assert.equal(unitBeside(COLUMNS, "out", "ArrowRight"), "out");
  assert.equal(unitBeside(COLUMNS, "c", "ArrowRight"), "out");
  assert.equal(unitBeside(COLUMNS, "c", "ArrowLeft"), "x2");
});

test("other keys lead nowhere", () => assert.equal(unitBeside(COLUMNS, "a", "Enter"), null));
