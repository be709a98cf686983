import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, featuresOff, nearestLink } from "../../ui/canvas/network/geometry.js";
import { FEATURES, layoutOf } from "./networks.mjs";

const NONE = { labels: 40, classes: 0 };
const NETWORKS = [
  [], [1], [4, 2], [8, 8, 8], [32], [64, 3], [2, "dropout", 5], ["dropout", 3], [4, "dropout", "dropout", 4, "dropout"],
  Array.from({ length: 6 }, () => 8), Array.from({ length: 20 }, () => 4),
].map((hidden) => layoutOf(hidden));
const WIDTHS = [320, 519, 520, 800, 1600];

function* arranged() {
  for (const layout of [...NETWORKS, layoutOf([4], { names: FEATURES }), layoutOf([4, 3], { outputs: 10 })]) {
    for (const width of WIDTHS) yield [layout, width, arrange(layout, width, NONE)];
  }
}

/** A point of a cubic curve by de Casteljau's construction. */
function onCurve(points, t) {
  let left = points;
  while (left.length > 1) left = left.slice(1).map(([x, y], i) => [left[i][0] + (x - left[i][0]) * t, left[i][1] + (y - left[i][1]) * t]);
  return left[0];
}

/** The curve of a link as it is drawn: from the right side of one tile to the left side of another. */
function curve(from, to) {
  const [x0, y0, x1, y1] = [from.x + from.size, from.y + from.size / 2, to.x, to.y + to.size / 2];
  return [[x0, y0], [(x0 + x1) / 2, y0], [(x0 + x1) / 2, y1], [x1, y1]];
}

test("every unit that is shown has a tile, in the order of the units", () => {
  for (const [layout, , { tiled }] of arranged()) {
    const shown = [layout.inputs, ...layout.layers.filter(({ drawn }) => drawn === "units")].map((layer) => layer.shown);
    assert.deepEqual(tiled.map((column) => column.tiles.map((tile) => tile.unit)), shown.map((units) => Array.from({ length: units }, (_, i) => i)));
  }
});

test("all tiles stand within the stage, and none on another", () => {
  for (const [, width, { tiled, height, width: stage }] of arranged()) {
    assert.ok(stage >= width);
    const tiles = tiled.flatMap((column) => column.tiles);
    for (const { x, y, size } of tiles) assert.ok(size > 0 && x >= 0 && y >= 0 && x + size <= stage && y + size <= height + 1e-9);
    for (const column of tiled) {
      column.tiles.slice(1).forEach((tile, i) => assert.ok(tile.y > column.tiles[i].y + column.tiles[i].size, "one under the other"));
    }
    tiled.slice(1).forEach((column, k) => assert.ok(column.left > tiled[k].left + tiled[k].size, "one column beside the other"));
  }
});

test("a column stands in the middle of the height that it has", () => {
  for (const [layout, , { tiled, height, off }] of arranged()) {
    const { tiles, part, units, shown } = tiled.at(-1);
    assert.equal(units, shown);
    assert.ok(Math.abs(tiles[0].y - (height - tiles.at(-1).y - tiles.at(-1).size)) < 1e-9, part);
    if (featuresOff(layout).length === 0) assert.deepEqual(off, []);
  }
});

test("room to spare goes evenly to both sides", () => {
  const { thumb, tiled, width, big } = arrange(layoutOf([4]), 1600, NONE);
  const right = width - (tiled.at(-1).center + big / 2);
  assert.ok(thumb.x > 200);
  assert.ok(Math.abs(thumb.x - 4 - (right - 10)) < 1e-9, `${thumb.x} and ${right}`); // margins of 4 and 10
});

test("features of a plane that are not inputs are off, and inputs of other data have none", () => {
  assert.deepEqual(featuresOff(layoutOf([], { names: ["x2", "sin_x1"] })).map(({ name }) => name), ["x1", "x1_squared", "x2_squared", "x1_x2", "sin_x2"]);
  assert.deepEqual(featuresOff(layoutOf([], { layout: { features: [] } })), []);
});

test("features that are off stand below the inputs, with room for each", () => {
  const { off, tiled, height } = arrange(layoutOf([4]), 900, NONE);
  assert.equal(off.length, FEATURES.length - 2);
  let above = tiled[0].tiles.at(-1).y + tiled[0].tiles.at(-1).size;
  for (const { y } of off) {
    assert.ok(y > above && y < height);
    above = y;
  }
});

test("a new layer can come between any two layers, and takes the place of the one after it", () => {
  const places = (hidden) => arrange(layoutOf(hidden), 900, NONE).gaps.map((gap) => gap.at);
  assert.deepEqual(places([]), ["0"]);
  assert.deepEqual(places([4, 2]), ["0", "1", "2"]);
  assert.deepEqual(places([4, "dropout", 2]), ["0", "1", "3"]); // not between a layer and its dropout
});

test("no layer can be added to a network that has as many as it may", () => {
  assert.equal(arrange(layoutOf(Array.from({ length: 11 }, () => 2)), 900, NONE).gaps.length, 12);
  assert.deepEqual(arrange(layoutOf(Array.from({ length: 12 }, () => 2)), 900, NONE).gaps, []);
});

test("a dropout stands in the gap between its two layers", () => {
  for (const [, , { columns }] of arranged()) {
    columns.forEach((column, k) => {
      if (column.part !== "mark") return;
      const [before, after] = [columns.slice(0, k).findLast((one) => one.tiles.length), columns.slice(k + 1).find((one) => one.tiles.length)];
      assert.ok(column.center > before.left + before.size && column.center < after.left);
    });
  }
});

test("of what kind a layer is changes nothing of where it stands", () => {
  for (const [layout, width, { columns, gaps }] of arranged()) {
    const others = { ...layout, layers: layout.layers.map((layer, i) => ({ ...layer, kind: `other ${i}` })) };
    const places = (all) => all.map(({ part, address, center, tiles }) => ({ part, address, center, tiles }));
    const again = arrange(others, width, NONE);
    assert.deepEqual(places(again.columns), places(columns));
    assert.deepEqual(again.gaps.map(({ at, x }) => [at, x]), gaps.map(({ at, x }) => [at, x]));
  }
});

test("the link under the pointer is the one whose drawn curve passes there", () => {
  for (const hidden of [[4, 3], [8, 8], [2, "dropout", 5]]) {
    const geometry = arrange(layoutOf(hidden), 900, NONE);
    for (let k = 1; k < geometry.tiled.length; k += 1) {
      for (const from of geometry.tiled[k - 1].tiles) {
        for (const to of geometry.tiled[k].tiles) {
          // Near its ends a link is alone with those of the same unit; at 6% it has its own height to a tenth of a pixel.
          for (const t of [0.06, 0.94]) {
            const [x, y] = onCurve(curve(from, to), t);
            const found = nearestLink(geometry, x, y, 1);
            assert.equal(found.address, geometry.tiled[k].address);
            const [, there] = onCurve(curve(geometry.tiled[k - 1].tiles[found.from], geometry.tiled[k].tiles[found.to]), t);
            assert.ok(Math.abs(there - y) < 1e-3, "another link may only be found where both have the same place");
          }
        }
      }
    }
  }
});

test("beside all links, and on a tile, there is no link", () => {
  const geometry = arrange(layoutOf([4, 3]), 900, NONE);
  const [first, second] = geometry.tiled;
  const middle = (first.left + first.size + second.left) / 2;
  assert.equal(nearestLink(geometry, middle, -20), null);
  assert.equal(nearestLink(geometry, first.left + first.size / 2, first.tiles[0].y + 3), null);
  assert.equal(nearestLink(geometry, 0, 0), null);
});

test("a network takes the height that the screen has for it, if its units fit in", () => {
  for (const [hidden, room] of [[[4, 2], 260], [[4, 2], 620], [[8, 8], 360], [[16], 420]]) {
    const { tiled, height } = arrange(layoutOf(hidden), 700, NONE, room);
    assert.equal(height, room);
    for (const { tiles } of tiled) {
      for (const { y, size } of tiles) assert.ok(y >= 0 && y + size <= room);
      for (let unit = 1; unit < tiles.length; unit += 1) assert.ok(tiles[unit].y >= tiles[unit - 1].y + tiles[unit - 1].size);
    }
  }
  assert.ok(arrange(layoutOf([64]), 700, NONE, 300).height > 300); // More units than fit: the panel scrolls.
  assert.ok(arrange(layoutOf([3]), 700, NONE, 600).big > arrange(layoutOf([3]), 700, NONE, 300).big);
});
