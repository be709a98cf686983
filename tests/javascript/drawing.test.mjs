import assert from "node:assert/strict";
import { test } from "node:test";
import { drawAxes } from "../../ui/canvas/axes.js";
import { readTheme } from "../../ui/canvas/colours.js";
import { arrange } from "../../ui/canvas/network/geometry.js";
import { drawLinks, largestGradient } from "../../ui/canvas/network/links.js";
import { Atlas } from "../../ui/canvas/network/atlas.js";
import { drawBars } from "../../ui/canvas/kinds/bars.js";
import { unitKind } from "../../ui/canvas/kinds.js";
import { traceMarker } from "../../ui/canvas/markers.js";
import { drawBiases, drawMarks, isFrozen } from "../../ui/canvas/network/marks.js";
import { VectorContext } from "../../ui/canvas/vector.js";
import { drawWay, hasWay } from "../../ui/canvas/network/way.js";
import { layoutOf, random, texts } from "./networks.mjs";
import { styled } from "./page.mjs";

styled({});
const theme = readTheme(null);

/** What is drawn, as elements of a vector picture. */
function drawn(draw) {
  const context = new VectorContext();
  draw(context);
  return context.elements;
}

/** Frame arrays of a network whose weights and biases are random, of both signs. */
function networkOf(hidden, seed = 12) {
  const layout = layoutOf(hidden);
  const geometry = arrange(layout, 900, { labels: 40, classes: 0 });
  const next = random(seed);
  const arrays = {};
  geometry.tiled.slice(1).forEach((column, k) => {
    arrays[`weight/${k}`] = Float32Array.from({ length: column.shown * geometry.tiled[k].shown }, () => 2 * next() - 1);
    arrays[`bias/${k}`] = Float32Array.from({ length: column.shown }, () => 2 * next() - 1);
  });
  return { layout, geometry, arrays };
}

/** The corners of a path of straight lines. */
const corners = (path) => [...path.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);

test("a vector picture is well-formed: what opens closes, and words cannot break out", () => {
  const context = new VectorContext();
  context.save();
  context.translate(10, 20);
  context.rotate(-Math.PI / 2);
  context.beginPath();
  context.rect(0, 0, 5, 5);
  context.clip();
  context.fillText('<a href="x">&', 1, 2);
  context.save();
  context.translate(1, 1);
  context.restore();
  context.restore();
  const [width, height] = [100, 50];
  const text = context.toString(width, height, "Ada's <network>", "rgba(255,255,255,1)");
  const open = [];
  for (const [, closing, name, selfClosing] of text.matchAll(/<(\/?)([a-zA-Z]+)[^<>]*?(\/?)>/g)) {
    if (selfClosing) continue;
    if (closing) assert.equal(open.pop(), name);
    else open.push(name);
  }
  assert.deepEqual(open, []);
  assert.ok(text.includes("&lt;a href=&quot;x&quot;&gt;&amp;"));
  assert.ok(text.includes("<title>Ada's &lt;network&gt;</title>"));
});

test("a colour is written with its opacity apart, and one that is opaque without", () => {
  const elements = drawn((context) => {
    context.fillStyle = "rgba(255,128,0,0.25)";
    context.fillRect(1, 2, 3, 4);
    context.fillStyle = "rgba(0,0,255,1)";
    context.fillRect(0, 0, 1, 1);
  });
  assert.ok(elements[0].includes('fill="#ff8000" fill-opacity="0.25"'));
  assert.ok(elements[1].includes('fill="#0000ff"') && !elements[1].includes("opacity"));
});

test("what was saved is as before when it is restored", () => {
  const context = new VectorContext();
  Object.assign(context, { fillStyle: "#111111", lineWidth: 3, font: "600 12px serif" });
  context.setLineDash([4, 2]);
  context.save();
  Object.assign(context, { fillStyle: "#222222", lineWidth: 9, font: "10px serif", globalAlpha: 0.5 });
  context.setLineDash([]);
  context.restore();
  assert.deepEqual([context.fillStyle, context.lineWidth, context.font, context.globalAlpha, context.dash], ["#111111", 3, "600 12px serif", 1, [4, 2]]);
});

test("a circle is two arcs that end where they begin", () => {
  const [circle] = drawn((context) => {
    context.beginPath();
    context.arc(50, 40, 10, 0, 2 * Math.PI);
    context.fill();
  });
  assert.match(circle, /d="M60 40A10 10 0 1 1 40 40A10 10 0 1 1 60 40Z"/);
});

test("a small network shows every link, and those below zero as broken lines", () => {
  const { geometry, arrays } = networkOf([4, 3]);
  const elements = drawn((context) => assert.equal(drawLinks(context, geometry, arrays, theme, 1), 2 * 4 + 4 * 3 + 3));
  const negative = [0, 1, 2].flatMap((k) => [...arrays[`weight/${k}`]]).filter((weight) => weight < 0).length;
  assert.equal(elements.length, 2 * 4 + 4 * 3 + 3);
  assert.equal(elements.filter((element) => element.includes("stroke-dasharray")).length, negative);
});

test("of a large network the strongest links are drawn, but all of its small layers", () => {
  const { geometry, arrays } = networkOf([32, 32, 32]);
  let count = 0;
  const elements = drawn((context) => { count = drawLinks(context, geometry, arrays, theme, 1); });
  const total = 2 * 32 + 2 * 32 * 32 + 32;
  assert.ok(count < total / 2 && count >= 700 * ((2 * 32 * 32) / total), `${count} of ${total}`);
  assert.equal(elements.length, count + 2, "a band for each of the two large gaps");
  assert.ok(!elements.some((element) => element.includes("dasharray")), "patterns of so many lines say nothing");
});

test("a heavier weight is a wider line", () => {
  const { geometry, arrays } = networkOf([1]);
  const width = (weight) => {
    arrays["weight/1"][0] = weight;
    return Number(/stroke-width="([\d.]+)"/.exec(drawn((context) => drawLinks(context, geometry, arrays, theme, 1)).at(-1))[1]);
  };
  const widths = [0.01, 0.1, 0.5, 1, 3].map(width);
  widths.slice(1).forEach((one, i) => assert.ok(one > widths[i], `${widths}`));
  assert.equal(width(3), width(30), "there is a widest line");
});

test("the largest gradient is that of all layers, and none while weights are shown", () => {
  const { geometry, arrays } = networkOf([2]);
  const gradients = { ...arrays, "gradient/0": Float32Array.of(0.1, -0.4, 0, 0), "gradient/1": Float32Array.of(0.2, 0.3) };
  assert.equal(largestGradient(geometry, gradients, { signs: true, gradients: true }), Math.fround(0.4));
  assert.equal(largestGradient(geometry, gradients, { signs: true, gradients: false }), null);
  assert.equal(largestGradient(geometry, arrays, { signs: true, gradients: true }), null);
});

test("a unit is frozen when its bias and all weights into it are", () => {
  const arrays = { "frozen/0": Uint8Array.of(1, 1, 1, 0), "frozen_bias/0": Uint8Array.of(1, 1) };
  assert.deepEqual([0, 1].map((unit) => isFrozen(arrays, "0", unit, 2)), [true, false]);
  assert.equal(isFrozen({ ...arrays, "frozen_bias/0": Uint8Array.of(0, 1) }, "0", 0, 2), false);
  assert.equal(isFrozen({}, "0", 0, 2), false);
});

test("each unit has the mark of its bias, a square where it is frozen", () => {
  const { geometry, arrays } = networkOf([4, 3]);
  const elements = drawn((context) => drawBiases(context, geometry, { ...arrays, "frozen_bias/0": Uint8Array.of(0, 1, 0, 1) }, theme));
  const fills = elements.filter((element) => !element.includes('fill="none"'));
  assert.equal(fills.length, 4 + 3 + 1);
  assert.equal(fills.filter((element) => element.includes("h") && !element.includes("A")).length, 2);
});

test("units that do nothing are marked only where that is asked for, silenced ones always", () => {
  const { geometry, arrays } = networkOf([4]);
  const marked = (more, dead) => drawn((context) => drawMarks(context, geometry, { ...arrays, ...more }, theme, dead)).length;
  const health = { "health/0": Uint8Array.of(0, 1, 0, 0) };
  assert.equal(marked({}, true), 0);
  assert.ok(marked(health, true) > 0);
  assert.equal(marked(health, false), 0);
  assert.ok(marked({ "silenced/0": Uint8Array.of(0, 0, 1, 0) }, false) > 0);
});

test("the first ten classes have ten shapes, each around its place", () => {
  const paths = Array.from({ length: 10 }, (_, index) => {
    const context = new VectorContext();
    context.beginPath();
    traceMarker(context, index, 100, 50, 10);
    return context.path;
  });
  assert.equal(new Set(paths).size, 10);
  const counted = paths.slice(1).map((path) => corners(path).length);
  assert.deepEqual(counted, [4, 3, 4, 3, 12, 10, 5, 12, 6]);
  for (const path of paths.slice(1)) {
    const all = corners(path);
    const [x, y] = [0, 1].map((axis) => all.reduce((sum, corner) => sum + corner[axis], 0) / all.length);
    assert.ok(Math.abs(x - 100) < 0.01 && Math.abs(y - 50) < 0.01, path);
  }
});

test("each unit's map is put on a tile of its own, pixel by pixel", () => {
  const atlas = new Atlas();
  const [units, rows, columns] = [5, 10, 12];
  const ramp = Uint32Array.from({ length: 256 }, (_, byte) => 1000 + byte);
  const bytes = Uint8Array.from({ length: units * rows * columns }, (_, i) => (7 * i) % 256);
  for (const stride of [1, 2]) {
    atlas.prepare(units, rows, columns, stride);
    atlas.write(bytes, units, 0, ramp);
    atlas.upload();
    const { image } = atlas.canvas.getContext("2d");
    const pixels = new Uint32Array(image.data.buffer);
    for (let unit = 0; unit < units; unit += 1) {
      let place = null;
      atlas.draw({ drawImage: (_, ...where) => { place = where; } }, unit, 0, 0, 30);
      const [left, top, wide, high] = place;
      assert.deepEqual([wide, high], [columns / stride, rows / stride]);
      for (let row = 0; row < high; row += 1) {
        for (let column = 0; column < wide; column += 1) {
          const pixel = pixels[(top + row) * image.width + left + column];
          const corner = (row === 0 || row === high - 1) && (column === 0 || column === wide - 1);
          if (pixel === 0 && corner) continue; // a tile's corners are round
          assert.equal(pixel, 1000 + bytes[unit * rows * columns + row * stride * columns + column * stride]);
        }
      }
    }
  }
});

test("a bar stands above its zero line for a value above zero, below it for one below, as high as the value", () => {
  const elements = drawn((context) => drawBars(context, Uint8Array.of(255, 1, 192), 0, 3, 0, 0, 100, theme));
  const bars = elements.slice(1, 4).map((element) => /y="([\d.]+)".* height="([\d.]+)"/.exec(element).slice(1).map(Number));
  assert.deepEqual(bars.map(([top, height]) => [top < 50, Math.abs(top - 50) < 0.01 || Math.abs(top + height - 50) < 0.01]), [[true, true], [false, true], [true, true]]);
  assert.equal(bars[0][1], bars[1][1]);
  assert.ok(Math.abs(bars[2][1] / bars[0][1] - 64 / 127) < 0.01);
});

test("axes write their ticks and names, each tick at its place", () => {
  const elements = drawn((context) => drawAxes(context, { x: 40, y: 10, size: 300 }, { x: [-6, 6], y: [0, 1] }, ["x₁", "x₂"], theme, false));
  const words = elements.filter((element) => element.startsWith("<text")).map((element) => [/>(.*)</.exec(element)[1], Number(/ x="([\d.-]+)"/.exec(element)[1])]);
  assert.deepEqual(words.slice(0, 6), [["−6", 40], ["−4", 90], ["−2", 140], ["0", 190], ["2", 240], ["4", 290]]);
  assert.deepEqual(words.slice(-2).map(([word]) => word), ["x₁", "x₂"]);
});

test("a point's way is drawn where the frame tells it of every layer, and a unit that answers 0 passes nothing on", () => {
  const { geometry } = networkOf([2]);
  const weights = { "weight/0": Float32Array.of(1, 1, 1, 1), "weight/1": Float32Array.of(1, 1) };
  const told = { ...weights, "probe/inputs": Float32Array.of(1, -2), "probe/0": Float32Array.of(0.5, 0), "probe/1": Float32Array.of(0.3) };
  assert.ok(hasWay(geometry, told));
  assert.ok(!hasWay(geometry, weights));
  assert.ok(!hasWay(geometry, { ...told, "probe/0": Float32Array.of(0.5) }), "a way through another network");
  const elements = drawn((context) => drawWay(context, { geometry, theme }, told));
  assert.equal(elements.filter((element) => element.startsWith("<text")).length, 5, "a number on each tile");
  assert.equal(elements.filter((element) => / d="M[^"]*C/.test(element)).length, 5, "four links into the hidden units, one out of them");
});

test("the curve of a unit over a line is drawn on what writes a picture to keep, with the unit's own range", () => {
  const layout = layoutOf([2], { names: ["x1"], output: { kind: "line" }, layout: { task: "regression", map: { kind: "line", columns: 3, x_range: [-6, 6] } } });
  const look = { layout, constants: {}, theme, texts, unit: { kind: "unit", address: "0", unit: 1 } };
  const arrays = { "maps/0": Uint8Array.of(128, 128, 128, 1, 128, 255), "scales/0": Float32Array.of(1, 4) };
  const elements = drawn((context) => unitKind(layout).draw(context, () => context, { x: 40, y: 0, size: 100 }, look, arrays));
  const ticks = elements.filter((element) => element.includes('text-anchor="end"')).map((element) => />([^<]*)</.exec(element)[1]);
  assert.ok(ticks.includes("−4") && ticks.includes("4"), `${ticks}`); // plus and minus its scale, and a tenth more
  const [x0, y0, x1, y1, x2, y2] = corners(/ d="(M[^"]*)" fill="none"/.exec(elements.at(-2))[1]).flat();
  assert.deepEqual([x0, x1, x2], [40, 90, 140]);
  assert.ok(Math.abs(y1 - 50) < 0.01 && Math.abs(y0 - 50 - 50 / 1.1) < 0.01 && Math.abs(50 - y2 - 50 / 1.1) < 0.01);
});
