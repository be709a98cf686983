import assert from "node:assert/strict";
import { test } from "node:test";
import { denseIndex, found, linkPlace, moved, same, unitPlace } from "../../ui/canvas/network/places.js";
import { layoutOf } from "./networks.mjs";

const layout = layoutOf([4, "dropout", 3]); // dense layers: 0 (4 units), 1 (3), 2 (the output)

test("dense layers are counted without the dropouts before them", () => {
  assert.deepEqual([0, 1, 2, 3].map((index) => denseIndex(layout, index)), [0, 1, 1, 2]);
});

test("two places are the same where all that tells them is", () => {
  assert.ok(same(unitPlace(layout, 0, 1), unitPlace(layout, 0, 1)));
  assert.ok(same(null, null));
  assert.ok(!same(unitPlace(layout, 0, 1), null));
  assert.ok(!same(unitPlace(layout, 0, 1), linkPlace(layout, 0, 1, 0)));
  assert.ok(!same(linkPlace(layout, 1, 2, 3), linkPlace(layout, 1, 2, 2)));
});

test("a place is found where the network has it, and gone where it has not", () => {
  assert.deepEqual(found(unitPlace(layout, 1, 2), layout), { kind: "unit", dense: 1, unit: 2 });
  assert.equal(found({ kind: "unit", dense: 1, unit: 3 }, layout), null);
  assert.equal(found({ kind: "unit", dense: 3, unit: 0 }, layout), null);
  assert.equal(found({ kind: "link", dense: 1, unit: 2, input: 4 }, layout), null);
  assert.equal(found(null, layout), null);
});

test("an input stays the same one by its name when inputs come and go", () => {
  const [before, after] = [layoutOf([4], { names: ["x1", "x2"] }), layoutOf([4], { names: ["x1", "x1_squared", "x2"] })];
  assert.equal(found(unitPlace(before, -1, 1), after).unit, 2);
  assert.equal(found(linkPlace(before, 0, 3, 1), after).input, 2);
  assert.equal(found(unitPlace(after, -1, 1), before), null);
});

test("a place after a new layer moves on with its layer, and one before it stays", () => {
  const edit = (place) => moved(place, layout, "add_layer", { at: 2 });
  assert.equal(edit(unitPlace(layout, 0, 1)).dense, 0);
  assert.equal(edit(unitPlace(layout, 1, 1)).dense, 2);
  assert.equal(edit(linkPlace(layout, 2, 0, 1)).dense, 3);
  assert.equal(edit(linkPlace(layout, 1, 0, 1)), null, "the link into the layer after the new one is no more");
});

test("what goes with a removed layer is gone: its units, the links into it and those out of it", () => {
  const edit = (place) => moved(place, layout, "remove_layer", { layer: 0 });
  assert.equal(edit(unitPlace(layout, 0, 1)), null);
  assert.equal(edit(linkPlace(layout, 0, 0, 0)), null);
  assert.equal(edit(linkPlace(layout, 1, 0, 0)), null);
  assert.deepEqual(edit(unitPlace(layout, 1, 2)), { kind: "unit", dense: 0, unit: 2 });
  assert.deepEqual(edit(unitPlace(layout, -1, 0)), unitPlace(layout, -1, 0));
  const dropout = moved(unitPlace(layout, 1, 2), layout, "remove_layer", { layer: 1 });
  assert.deepEqual(dropout, unitPlace(layout, 1, 2), "a dropout has no units of its own");
});

test("units after a removed one move up, and so do the inputs of links out of them", () => {
  const edit = (place) => moved(place, layout, "remove_unit", { layer: 0, unit: 1 });
  assert.equal(edit(unitPlace(layout, 0, 1)), null);
  assert.equal(edit(unitPlace(layout, 0, 3)).unit, 2);
  assert.equal(edit(unitPlace(layout, 0, 0)).unit, 0);
  assert.equal(edit(linkPlace(layout, 1, 2, 1)), null);
  assert.equal(edit(linkPlace(layout, 1, 2, 3)).input, 2);
  assert.deepEqual(edit(unitPlace(layout, 1, 1)), unitPlace(layout, 1, 1));
});

test("to add a layer and remove it again leaves every unit in its place", () => {
  for (let at = 0; at < layout.layers.length; at += 1) {
    const between = layoutOf([4, "dropout", 3].toSpliced(at, 0, 2));
    for (const [dense, units] of [[0, 4], [1, 3], [2, 1]]) {
      for (let unit = 0; unit < units; unit += 1) {
        const place = unitPlace(layout, dense, unit);
        assert.deepEqual(moved(moved(place, layout, "add_layer", { at }), between, "remove_layer", { layer: at }), place);
      }
    }
  }
});
