import assert from "node:assert/strict";
import { test } from "node:test";
import { INPUTS, findItem, followItem, linkItem, moveItem, same, unitItem } from "../../ui/canvas/network/items.js";
import { layoutOf } from "./networks.mjs";

const layout = layoutOf([4, "dropout", 3]); // "0" (4 units), "1" (a mark), "2" (3 units), "3" (the output)

test("two items are the same where all that tells them is", () => {
  assert.ok(same(unitItem(layout, "0", 1), unitItem(layout, "0", 1)));
  assert.ok(same(null, null));
  assert.ok(!same(unitItem(layout, "0", 1), null));
  assert.ok(!same(unitItem(layout, "0", 1), linkItem(layout, "0", 1, 0)));
  assert.ok(!same(linkItem(layout, "2", 2, 3), linkItem(layout, "2", 2, 2)));
});

test("an item is found where the network has it, and gone where it has not", () => {
  assert.deepEqual(findItem(unitItem(layout, "2", 2), layout), { kind: "unit", address: "2", unit: 2 });
  assert.equal(findItem({ kind: "unit", address: "2", unit: 3 }, layout), null);
  assert.equal(findItem({ kind: "unit", address: "4", unit: 0 }, layout), null);
  assert.equal(findItem({ kind: "link", address: "2", unit: 2, input: 4 }, layout), null);
  assert.equal(findItem(null, layout), null);
});

test("an input stays the same one by its name when inputs come and go", () => {
  const [before, after] = [layoutOf([4], { names: ["x1", "x2"] }), layoutOf([4], { names: ["x1", "x1_squared", "x2"] })];
  assert.equal(findItem(unitItem(before, INPUTS, 1), after).unit, 2);
  assert.equal(findItem(linkItem(before, "0", 3, 1), after).input, 2);
  assert.equal(findItem(unitItem(after, INPUTS, 1), before), null);
});

test("an item after a new layer moves on with its layer, and one before it stays", () => {
  const edit = (item) => moveItem(item, layout, "add_layer", { address: "2" });
  assert.equal(edit(unitItem(layout, "0", 1)).address, "0");
  assert.equal(edit(unitItem(layout, "2", 1)).address, "3");
  assert.equal(edit(linkItem(layout, "3", 0, 1)).address, "4");
  assert.equal(edit(linkItem(layout, "2", 0, 1)), null, "the link into the layer after the new one is no more");
});

test("what goes with a removed layer is gone: its units, the links into it and those out of it", () => {
  const edit = (item) => moveItem(item, layout, "remove_layer", { address: "0" });
  assert.equal(edit(unitItem(layout, "0", 1)), null);
  assert.equal(edit(linkItem(layout, "0", 0, 0)), null);
  assert.equal(edit(linkItem(layout, "2", 0, 0)), null);
  assert.deepEqual(edit(unitItem(layout, "2", 2)), { kind: "unit", address: "1", unit: 2 });
  assert.deepEqual(edit(unitItem(layout, INPUTS, 0)), unitItem(layout, INPUTS, 0));
  const without = (item) => moveItem(item, layout, "remove_layer", { address: "1" });
  assert.deepEqual(without(unitItem(layout, "2", 2)), { kind: "unit", address: "1", unit: 2 }, "a mark has no units of its own");
  assert.deepEqual(without(linkItem(layout, "2", 2, 3)), { kind: "link", address: "1", unit: 2, input: 3 }, "nor links");
});

test("units after a removed one move up, and so do the inputs of links out of them", () => {
  const edit = (item) => moveItem(item, layout, "remove_unit", { address: "0", unit: 1 });
  assert.equal(edit(unitItem(layout, "0", 1)), null);
  assert.equal(edit(unitItem(layout, "0", 3)).unit, 2);
  assert.equal(edit(unitItem(layout, "0", 0)).unit, 0);
  assert.equal(edit(linkItem(layout, "2", 2, 1)), null);
  assert.equal(edit(linkItem(layout, "2", 2, 3)).input, 2);
  assert.deepEqual(edit(unitItem(layout, "2", 1)), unitItem(layout, "2", 1));
});

test("to add a layer and remove it again leaves every unit in its item", () => {
  for (const { address } of layout.layers) {
    const between = layoutOf([4, "dropout", 3].toSpliced(Number(address), 0, 2));
    for (const [at, units] of [["0", 4], ["2", 3], ["3", 1]]) {
      for (let unit = 0; unit < units; unit += 1) {
        const item = unitItem(layout, at, unit);
        assert.deepEqual(moveItem(moveItem(item, layout, "add_layer", { address }), between, "remove_layer", { address }), item);
      }
    }
  }
});

test("an item inside of a layer goes with the layer that holds it", () => {
  const inside = { kind: "unit", address: "2.0.1", unit: 0 };
  assert.equal(moveItem(inside, layout, "add_layer", { address: "1" }).address, "3.0.1");
  assert.equal(moveItem(inside, layout, "add_layer", { address: "3" }).address, "2.0.1");
  assert.equal(moveItem(inside, layout, "remove_layer", { address: "0" }).address, "1.0.1");
  assert.equal(moveItem(inside, layout, "remove_layer", { address: "2" }), null);
});

test("where settings made another network, layers with units keep their order", () => {
  const after = layoutOf(["dropout", 4, 3, 2]);
  const follow = (item) => followItem(item, layout, after);
  assert.deepEqual(follow(unitItem(layout, "2", 1)), { kind: "unit", address: "2", unit: 1 });
  assert.deepEqual(follow(linkItem(layout, "0", 1, 0)), { ...linkItem(layout, "0", 1, 0), address: "1" });
  assert.deepEqual(follow(unitItem(layout, INPUTS, 1)), unitItem(layout, INPUTS, 1));
  assert.equal(followItem(unitItem(after, "4", 0), after, layout), null, "there is no such layer any more");
  assert.equal(follow(null), null);
});
