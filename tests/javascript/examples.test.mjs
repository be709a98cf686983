/** Networks over pictures and sequences: rows to choose from, maps pixel by pixel, links that are no weights. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { readTheme } from "../../ui/canvas/colours.js";
import { outputKind, unitKind } from "../../ui/canvas/kinds.js";
import { peakOf } from "../../ui/canvas/kinds/image.js";
import { arrange, nearestLink } from "../../ui/canvas/network/geometry.js";
import { findItem } from "../../ui/canvas/network/items.js";
import { drawLinks, linkValues } from "../../ui/canvas/network/links.js";
import { drawSelectedLinks } from "../../ui/canvas/network/seen.js";
import { fitted } from "../../ui/canvas/network/pixels.js";
import { placeBeside, placesOf } from "../../ui/canvas/output/grid.js";
import { stepNames } from "../../ui/canvas/output/steps.js";
import { lineOf } from "../../ui/canvas/output/text.js";
import { mapOf } from "../../ui/canvas/output/unit.js";
import { VectorContext } from "../../ui/canvas/vector.js";
import { describe } from "../../ui/canvas/words/summary.js";
import { headerOf, layoutOf, texts } from "./networks.mjs";
import { styled } from "./page.mjs";

styled({});
const theme = readTheme(null);
const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit));
const map = (rows, columns) => ({ kind: "image", rows, columns, every: 1 });
const unit = (address, units, more) => ({ address, kind: "some", drawn: "units", units, shown: units, parameters: 9, activation: "relu", fixed: true, size: 0, ...more });

/** A layout of pictures: two layers of maps, a mark, the output. */
function pictured() {
  const layout = layoutOf([], { outputs: 10, layout: { classes: DIGITS, features: [], map: { kind: "bars", groups: DIGITS, rows: 100 }, rows: { train: 100 } } });
  layout.inputs = { names: ["grey"], labels: ["grey"], units: 1, shown: 1, map: { ...map(8, 8), grey: true }, shape: [1, 8, 8] };
  layout.output = { ...layout.output, kind: "examples", rows: 0, columns: 0, shape: [1, 8, 8], tokens: [], grey: true, counts: { train: 60, test: 60 } };
  layout.layers = [
    unit("0", 4, { map: map(8, 8), links: "sums", sources: 1, shape: [4, 8, 8] }), unit("1", 4, { map: map(4, 4), links: "each", sources: 4, shape: [4, 4, 4] }),
    { address: "2", kind: "flat", drawn: "mark", units: 64, shown: 32, parameters: 0, activation: "", size: 0, shape: [64] },
    { ...unit("3", 10, { links: "means", sources: 4, shape: [10] }), fixed: undefined },
  ];
  return layout;
}

const rowsOf = (count) => ({
  "examples/train": new Uint8Array(64 * count), "examples/train_rows": Int32Array.from({ length: count }, (_, i) => 2 * i), "examples/train_target": new Float32Array(count),
  "examples/test": new Uint8Array(64 * count), "examples/test_rows": Int32Array.from({ length: count }, (_, i) => i), "examples/test_target": new Float32Array(count),
});

test("the rows to choose from stand within the panel, none over another, as many as there is room for", () => {
  for (const size of [180, 240, 300, 360, 440]) {
    for (const coarse of [false, true]) {
      for (const shape of [[1, 8, 8], [2, 9], [1, 12]]) {
        const layout = pictured();
        Object.assign(layout.output, { shape, tokens: shape[1] === 12 ? ["", "?", "a", "b"] : [] });
        const box = { x: 34, y: 4, size };
        const { tiles, example, told, titles } = placesOf(box, layout, coarse);
        assert.ok(tiles.length >= (shape[1] === 12 ? 1 : 3), `${tiles.length} rows at ${size}`);
        for (const { x, y, width, height } of [...tiles, told]) {
          assert.ok(x >= 0 && x + width <= size + 38 && y >= 0 && y + height <= size + 40 + (size < 240 ? 24 : 0), `${y + height} at ${size}`);
          if (coarse) assert.ok(height >= 44);
        }
        for (const [i, a] of tiles.entries()) {
          for (const b of tiles.slice(i + 1)) {
            assert.ok(a.x + a.width <= b.x + 0.01 || b.x + b.width <= a.x + 0.01 || a.y + a.height <= b.y + 0.01 || b.y + b.height <= a.y + 0.01);
          }
        }
        assert.ok(example.y + example.size <= titles[0].y);
        if (size > 300) assert.deepEqual(titles.map(({ split }) => split), ["test", "train"]);
      }
    }
  }
});

test("arrow keys go to the row beside, above and below, and stay at the ends", () => {
  const { tiles } = placesOf({ x: 34, y: 4, size: 360 }, pictured());
  const across = tiles.findIndex((tile) => tile.y > tiles[0].y);
  assert.equal(placeBeside(tiles, 0, "ArrowRight"), 1);
  assert.equal(placeBeside(tiles, 0, "ArrowLeft"), 0);
  assert.equal(placeBeside(tiles, 1, "ArrowDown"), across + 1);
  assert.equal(placeBeside(tiles, across + 1, "ArrowUp"), 1);
  assert.equal(placeBeside(tiles, 3, "End"), tiles.length - 1);
  assert.equal(placeBeside(tiles, tiles.length - 1, "ArrowDown"), tiles.length - 1);
  assert.equal(placeBeside(tiles, 0, "a"), null);
});

test("a pixel of a map is whole device pixels wherever there is room, and the map stands in the middle", () => {
  for (const [rows, columns] of [[8, 8], [28, 28], [7, 7], [12, 5]]) {
    for (const size of [30, 44, 76]) {
      for (const ratio of [1, 2]) {
        const { left, top, cell } = fitted(rows, columns, 10, 20, size, ratio);
        if (size * ratio >= Math.max(rows, columns)) assert.equal((cell * ratio) % 1, 0);
        assert.ok(cell * Math.max(rows, columns) <= size + 1e-9);
        assert.ok(Math.abs(left - 10 - (10 + size - left - cell * columns)) < 1e-9);
        assert.ok(Math.abs(top - 20 - (20 + size - top - cell * rows)) < 1e-9);
      }
    }
  }
});

test("the kind of a picture is that of its layer, and of the network's lists where the layer says none", () => {
  const layout = pictured();
  assert.equal(mapOf(layout, "1").rows, 4);
  assert.equal(mapOf(layout, "inputs").grey, true);
  assert.equal(unitKind(layout, "3"), unitKind(layout));
  assert.notEqual(unitKind(layout, "0"), unitKind(layout));
  const branch = { ...unit("4", 2, {}), drawn: "mark", branches: [[unit("4.0.0", 2, { map: map(3, 3) })]] };
  assert.equal(mapOf({ ...layout, layers: [...layout.layers, branch] }, "4.0.0").rows, 3);
});

test("a map's strongest pixel is told, and that one without any is silent", () => {
  const layout = pictured();
  const maps = new Uint8Array(64).fill(128);
  maps[16 + 4 * 2 + 1] = 255;
  maps[16 + 3] = 90;
  assert.deepEqual(peakOf(maps, 16, map(4, 4)), { row: 2, column: 1, byte: 255 });
  const arrays = { "maps/1": maps, "scales/1": Float32Array.of(1, 3, 1, 1) };
  const words = (unit) => unitKind(layout, "1").words({ layout, texts, unit: { address: "1", unit } }, arrays);
  assert.equal(words(1), "13% of the map active, strongest 3 at row 3, column 2");
  assert.equal(words(0), "0 everywhere for this example");
  assert.equal(unitKind(layout, "0").words({ layout, texts, unit: { address: "0", unit: 0 } }, {}), "");
});

test("where no link is a weight none can be met or pinned, but what a unit sees is drawn", () => {
  const layout = pictured();
  const geometry = arrange(layout, 900, { labels: 40, classes: 10 }, 400);
  assert.deepEqual(geometry.tiled.map(({ links }) => links), ["weights", "sums", "each", "means"].map((kind, i) => (i === 0 ? "none" : kind)));
  for (let x = 0; x < geometry.width; x += 7) for (let y = 0; y < geometry.height; y += 7) assert.equal(nearestLink(geometry, x, y, 20), null);
  assert.equal(findItem({ kind: "link", address: "3", unit: 0, input: 0 }, layout), null);
  assert.deepEqual(findItem({ kind: "unit", address: "3", unit: 9 }, layout), { kind: "unit", address: "3", unit: 9 });
  const arrays = { "links/0": Float32Array.of(1, -1, 0.5, 0), "links/3": new Float32Array(40).fill(0.5) };
  assert.equal(linkValues(arrays, geometry.tiled[1]), arrays["links/0"]);
  assert.equal(linkValues(arrays, geometry.tiled[2]), null);
  const context = new VectorContext();
  assert.equal(drawLinks(context, geometry, arrays, theme, 1), 0);
  assert.equal(context.elements.length, 3, "a ribbon, the threads, a ribbon");
  const seen = new VectorContext();
  drawSelectedLinks(seen, { geometry, theme, shows: { signs: true, gradients: false } }, { column: geometry.tiled[1], unit: 1, address: "0" }, arrays);
  assert.equal(seen.elements.length, 1, "its kernel's sum; the pool after it has no numbers");
});

test("a layer that sees others than the units drawn before it has no links", () => {
  const layout = pictured();
  layout.layers[3].sources = 7;
  assert.equal(arrange(layout, 900, { labels: 40, classes: 10 }, 400).tiled[3].links, "none");
});

/** A residual of one layer, then two branches of which one is empty or not. */
function branched(second) {
  const layout = pictured();
  const inner = (address, units) => unit(address, units, { map: map(8, 8), links: "sums", sources: 4, shape: [units, 8, 8] });
  layout.layers = [
    layout.layers[0],
    { address: "1", kind: "some", drawn: "mark", units: 4, shown: 4, parameters: 9, activation: "", size: 1, shape: [4, 8, 8], skip: true, branches: [[inner("1.0.0", 4)]] },
    { address: "2", kind: "some", drawn: "mark", units: 7, shown: 7, parameters: 9, activation: "", size: 2, shape: [7, 8, 8], skip: !second, branches: [[inner("2.0.0", 3)], second ? [inner("2.1.0", 4)] : []] },
    { ...layout.layers[3], address: "3", sources: second ? 7 : 4 },
  ];
  return layout;
}

test("branches stand under one another, each in its own lane, and join at their mark", () => {
  const geometry = arrange(branched(true), 1000, { labels: 40, classes: 10 }, 400);
  const [, first, around, upper, lower, output] = geometry.tiled;
  assert.deepEqual(geometry.tiled.map(({ address }) => address), ["inputs", "0", "1.0.0", "2.0.0", "2.1.0", "3"]);
  assert.equal(upper.center, lower.center);
  const bottom = Math.max(...upper.tiles.map(({ y, size }) => y + size));
  assert.ok(bottom < Math.min(...lower.tiles.map(({ y }) => y)));
  const marks = geometry.columns.filter(({ part }) => part === "mark");
  assert.equal(marks[0].skip, first);
  assert.equal(marks[1].skip, null);
  assert.ok(around.center < marks[0].center && marks[0].center < upper.center && upper.center < marks[1].center && marks[1].center < output.center);
  assert.deepEqual(upper.sources, [around]);
  assert.deepEqual(lower.sources, [around]);
  assert.deepEqual(output.sources, [upper, lower]);
  assert.deepEqual([around.links, upper.links, lower.links, output.links], ["sums", "sums", "none", "none"]);
  assert.ok(geometry.columns.every(({ tiles }) => tiles.every(({ y, size }) => y >= 0 && y + size <= geometry.height)));
  assert.ok(geometry.gaps.every(({ at, after }) => !at.includes(".") && !after.address.includes(".")));
});

test("an empty branch is a way around the other one", () => {
  const geometry = arrange(branched(false), 1000, { labels: 40, classes: 10 }, 400);
  const mark = geometry.columns.filter(({ part }) => part === "mark")[1];
  assert.equal(mark.skip, geometry.tiled[2]);
  assert.deepEqual(geometry.tiled.at(-1).sources, [geometry.tiled[3]]);
  assert.deepEqual(findItem({ kind: "unit", address: "2.0.0", unit: 2 }, branched(false)), { kind: "unit", address: "2.0.0", unit: 2 });
});

test("a mark takes no room for units that it does not draw", () => {
  const few = arrange(pictured(), 900, { labels: 40, classes: 10 }, 250);
  assert.equal(few.height, 250);
});

test("the rows are drawn with what is answered, and a wrong one has a strong frame and its answer", () => {
  const layout = pictured();
  const constants = rowsOf(60);
  const wrong = new Uint8Array(60).fill(7);
  const right = new Uint8Array(60);
  const box = { x: 34, y: 4, size: 360 };
  const drawn = (answers) => {
    const context = new VectorContext();
    outputKind(layout).drawStill(context, box, { layout, constants, theme, texts, unit: null, example: null }, { "predictions/train": answers, "predictions/test": answers });
    return context.elements.join("");
  };
  const texts7 = (svg) => svg.split(">7</text>").length - 1;
  const { tiles } = placesOf(box, layout);
  assert.equal(texts7(drawn(wrong)), tiles.length);
  assert.equal(texts7(drawn(right)), 0);
  assert.ok(drawn(wrong).includes("image-rendering:pixelated"), "a saved picture has sharp pixels too");
  assert.ok(drawn(wrong).includes("0 of 60 right"));
  assert.ok(drawn(right).includes("60 of 60 right"));
});

test("two runs differ on the rows that they answer otherwise", () => {
  const layout = pictured();
  const kind = outputKind(layout);
  const answers = kind.answers(layout, { "predictions/test": Uint8Array.of(1, 2, 3) });
  assert.deepEqual([answers.count, answers.at(2), answers.apart], [3, 3, 0]);
});

test("steps are called by their tokens where rows are tokens, else by their numbers", () => {
  const layout = pictured();
  layout.inputs.map = { kind: "tokens", rows: 1, columns: 4 };
  layout.output.tokens = ["", "?", "now", "or"];
  const arrays = { "maps/inputs": Uint16Array.of(0, 2, 3, 1) };
  assert.deepEqual(stepNames(layout, arrays, 4, 1), ["", "now", "or", "?"]);
  assert.deepEqual(stepNames(layout, arrays, 3, 1), ["1", "2", "3"]);
  assert.deepEqual(stepNames(layout, arrays, 2, 2), ["", "or"]);
  const context = { measureText: (text) => ({ width: text.length }) };
  assert.equal(lineOf(context, [0, 2, 3], layout.output.tokens, 99), "now or");
  assert.equal(lineOf(context, [0, 2, 3], layout.output.tokens, 5), "now …");
  assert.equal(lineOf(context, [2, 2], ["", "?", "a"], 9), "aa");
});

test("in words it is said how the chosen row is answered, and which map is strongest", () => {
  const layout = pictured();
  const arrays = {
    "predictions/train": new Uint8Array(60), "predictions/test": new Uint8Array(60), "maps/0": new Uint8Array(256).fill(200), "scales/0": Float32Array.of(1, 5, 2, 1),
    "maps/1": new Uint8Array(64).fill(128), "scales/1": new Float32Array(4).fill(1),
  };
  const prediction = DIGITS.map((_, digit) => (digit === 3 ? 0.91 : 0.01));
  const header = headerOf({ example: { split: "test", row: 4, target: 8, prediction, loss: 1 } });
  const lines = describe({ layout, header, arrays, history: { rows: 0, columns: {} } }, texts, "en").flatMap((part) => part.lines);
  assert.ok(lines.includes("The chosen example, Test row 5, is predicted as 3; it is 8."));
  assert.ok(lines.some((line) => line.startsWith("Strongest in its layer is Hidden 1, map 2: 100% of the map active")));
});
