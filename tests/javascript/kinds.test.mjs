import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { drawOutput, difference, drawDifference } from "../../ui/compare/small.js";
import { OUTPUTS, UNITS, outputKind, unitKind } from "../../ui/canvas/kinds.js";
import { readTheme } from "../../ui/canvas/colours.js";
import { arrange } from "../../ui/canvas/network/geometry.js";
import { Tiles } from "../../ui/canvas/network/tiles.js";
import { Cells } from "../../ui/canvas/output/cells.js";
import { pointColour } from "../../ui/canvas/output/points.js";
import { VectorContext } from "../../ui/canvas/vector.js";
import { describe } from "../../ui/canvas/words/summary.js";
import { ENGLISH, headerOf, layoutOf, texts } from "./networks.mjs";
import { styled } from "./page.mjs";

styled({});
const theme = readTheme(null);
const lookOf = (layout, unit = null) => ({ layout, constants: {}, theme, texts, unit });
const drawn = (draw) => {
  const context = new VectorContext();
  draw(context);
  return context.elements;
};
const classes = { layout: { classes: ["no", "yes"] } };

test("a place on the map is answered with what the network says there", () => {
  const byte = (probability) => Math.round(1 + 254 * probability);
  const output = new Uint8Array(400).fill(byte(0.1));
  output[20 * 5 + 19] = byte(1);
  const said = (layout, u, v) => outputKind(layout).valueAt(lookOf(layout), { output }, u, v);
  assert.equal(said(layoutOf([], classes), 0.99, 5.5 / 20), "class yes, certainty 100%");
  assert.equal(said(layoutOf([], classes), 0, 0), "class no, certainty 80%");
  assert.equal(said(layoutOf([], { layout: { task: "regression" }, output: { value_range: [0, 200] } }), 0.99, 5.5 / 20), "predicted 200");
  const line = layoutOf([], { output: { kind: "line" }, layout: { task: "regression" } });
  assert.equal(outputKind(line).valueAt(lookOf(line), { output_line: Float32Array.of(1, 2, 3, 4) }, 0.6, 0.1), "predicted 3");
});

test("a unit is answered in its own scale", () => {
  const layout = layoutOf([2]);
  const maps = new Uint8Array(200).fill(128);
  maps[100 + 10 * 9] = 1; // the second unit's lowest row, at its left
  const arrays = { "maps/0": maps, "scales/0": Float32Array.of(1, 2.5) };
  const look = lookOf(layout, { kind: "unit", address: "0", unit: 1 });
  assert.equal(unitKind(layout).valueAt(look, arrays, 0, 0.95), "value −2.5");
  assert.equal(unitKind(layout).valueAt(look, arrays, 0.5, 0.95), "value 0");
});

test("the line under the map says what its lines mean", () => {
  const caption = (layout, contours) => outputKind(layout).caption(lookOf(layout), contours);
  assert.equal(caption(layoutOf([], classes), true), "Lines: 10, 25, 50, 75 and 90% for class yes");
  const projection = layoutOf([], { ...classes, output: { kind: "projection", explained: [0.73, 0.229] } });
  assert.equal(caption(projection, false), "The plane of the first two principal components (73% and 23% of the variance)");
  assert.equal(caption(projection, true), "Lines: 10, 25, 50, 75 and 90% for class yes");
  assert.equal(caption(layoutOf([]), false), "");
});

test("cells are painted in the colour of their class, as sure as it is, or in the most likely one alone", () => {
  const canvas = document.createElement("canvas");
  const cells = new Cells(canvas);
  const layout = layoutOf([], { output: { rows: 1, columns: 3 }, layout: { classes: ["a", "b", "c"] } });
  const arrays = { output_class: Uint8Array.of(2, 0, 1), output_certainty: Uint8Array.of(10, 200, 255) };
  const painted = (discretize) => {
    outputKind(layout).paint(cells, lookOf(layout), arrays, discretize);
    return [...new Uint32Array(canvas.getContext("2d").image.data.buffer)];
  };
  const { classRamps } = theme;
  assert.deepEqual(painted(false), [classRamps[2][10], classRamps[0][200], classRamps[1][255]]);
  assert.deepEqual(painted(true), [classRamps[2][235], classRamps[0][235], classRamps[1][235]]);
  const unit = layoutOf([1], { layout: { map: { kind: "plane", rows: 1, columns: 2 } } });
  unitKind(unit).paint(cells, lookOf(unit, { address: "0", unit: 1 }), { "maps/0": Uint8Array.of(9, 9, 1, 255) }, false);
  assert.deepEqual([...new Uint32Array(canvas.getContext("2d").image.data.buffer)], [theme.ramp[1], theme.ramp[255]]);
});

// A kind that lives in a test: a clock face, a hand for each number of a unit.

const say = (look) => (look.unit ? `${look.unit.name} ticks` : "the network ticks");
const clock = {
  rows: false, grid: false, inputs: 1,
  view: () => null,
  draws: () => true,
  draw: (context, axes, box) => axes().fillRect(box.x, box.y, box.size, 7),
  valueAt: (_, arrays, u) => `${arrays.hands[Math.floor(u * arrays.hands.length)]} o'clock`,
  legend: (look) => [say(look)],
  caption: say,
};

class Hands {
  prepare(units, map, pixels) {
    Object.assign(this, { units, hands: map.hands, pixels, written: [] });
  }

  write(bytes, units, first) {
    for (let unit = 0; unit < units; unit += 1) this.written[first + unit] = Array.from(bytes.slice(unit * this.hands, (unit + 1) * this.hands));
  }

  ready() {
    this.told = this.written.flat().length;
  }

  draw(context, tile, x, y, size) {
    this.written[tile].forEach((hand, i) => context.fillRect(x, y, size, hand + i / 100));
  }
}

before(() => {
  UNITS.clock = { ...clock, small: true, tiles: () => new Hands() };
  OUTPUTS.clock = {
    ...clock,
    spanned: () => ({ x: [0, 12], y: [0, 12] }),
    valueColour: (target) => [target, 0, 0],
    facts: (_, { hands }) => ({ kind: "hours", hours: hands.length }),
    sentences: ({ hours }) => [`It has ${hours} hands.`],
    answers: (_, { hands }) => ({ share: "share_of_hours", apart: 1, at: (i) => hands[i], count: hands.length }),
    drawSmall: (context, size, { arrays }) => arrays.hands.forEach((hand) => context.fillRect(0, 0, size, hand)),
    drawDifference: (context, size, a, b, differs) => a.arrays.hands.forEach((_, i) => differs(i) && context.fillRect(0, 0, size, 1000 + i)),
  };
});

after(() => {
  delete UNITS.clock;
  delete OUTPUTS.clock;
});

const clocks = () => layoutOf([2], { layout: { task: "regression", classes: [], map: { kind: "clock", hands: 2 } }, output: { kind: "clock", rows: 0, columns: 0 } });
const heights = (elements) => elements.map((element) => Number(/ height="([\d.]+)"/.exec(element)?.[1])).filter(Boolean);

test("a kind that lives in a test is drawn on every tile", () => {
  const layout = clocks();
  const tiles = new Tiles();
  const geometry = arrange(layout, 900, { labels: 40, classes: 0 });
  tiles.build({ layout, geometry, theme, ratio: 2, constants: { input_maps: Uint8Array.of(1, 2, 3, 4) } });
  tiles.read({ "maps/0": Uint8Array.of(5, 6, 7, 8), "maps/1": Uint8Array.of(9, 10) });
  const found = heights(drawn((context) => tiles.draw(context)));
  assert.deepEqual(found, [1, 2.01, 3, 4.01, 5, 6.01, 7, 8.01, 9, 10.01]);
});

test("a kind that lives in a test has its large picture, its values, its words and its legend", () => {
  const layout = clocks();
  const [unit, output] = [unitKind(layout), outputKind(layout)];
  const look = lookOf(layout, { address: "0", unit: 1, name: "Unit 2" });
  assert.deepEqual(heights(drawn((context) => unit.draw(context, () => context, { x: 1, y: 1, size: 50 }, look, {}))), [7]);
  assert.equal(output.valueAt(lookOf(layout), { hands: [3, 9] }, 0.7, 0), "9 o'clock");
  assert.deepEqual([unit.caption(look), output.legend(lookOf(layout))], ["Unit 2 ticks", ["the network ticks"]]);
  assert.deepEqual(pointColour(5, layout, theme), [5, 0, 0]);
  const seen = { layout, header: headerOf(), history: { rows: 0, columns: {} }, arrays: { hands: [3, 9] } };
  const { lines } = describe(seen, texts, "en").find(({ title }) => title === ENGLISH["canvas.output"]);
  assert.deepEqual(lines, ["It has 2 hands."]);
});

test("a kind that lives in a test is drawn in small, and told apart from another run's", () => {
  const layout = clocks();
  const constants = { "points/train": Float32Array.of(6, 6), "points/train_target": Float32Array.of(5) };
  const [a, b] = [[3, 9, 4], [3, 12, 4.5]].map((hands) => ({ layout, constants, arrays: { hands } }));
  assert.deepEqual(heights(drawn((context) => drawOutput(context, 60, a, theme))), [60, 3, 9, 4]);
  const found = difference(a, b);
  assert.deepEqual([found.words, found.share], ["share_of_hours", 1 / 3]);
  assert.deepEqual(heights(drawn((context) => drawDifference(context, 60, a, b, found.differs, theme, []))), [60, 1001]);
});
