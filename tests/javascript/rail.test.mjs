import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { allowed, applies, describeFitting, describeRate, describeRows, sizesOf, summarize, valueAt } from "../../ui/canvas/rail/applying.js";
import { standOf } from "../../ui/canvas/rail/fold.js";
import { Hand } from "../../ui/canvas/rail/hand.js";
import { readTyped, wayOf, writeValue } from "../../ui/canvas/rail/numbers.js";
import { pathOf } from "../../ui/canvas/rail/graphs.js";
import { Texts } from "../../ui/canvas/words/format.js";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
});

/** A hand, what it sent, and how often it was told to rest. */
function handOf() {
  const [sent, rests] = [[], []];
  const hand = new Hand((edit) => sent.push(edit), () => rests.push(Date.now()), () => Date.now());
  return { hand, sent, rests };
}

test("a drag is sent at most every 40 ms, and its last value always", () => {
  const { hand, sent } = handOf();
  const times = [];
  hand.send = (edit) => {
    sent.push(edit.value);
    times.push(Date.now());
  };
  for (let value = 1; value <= 100; value += 1) {
    hand.move("dataset.noise", value);
    mock.timers.tick(7);
  }
  mock.timers.tick(200);
  assert.equal(sent[0], 1, "the first move goes at once");
  assert.equal(sent.at(-1), 100);
  assert.ok(sent.length >= 10 && sent.length <= 1 + 700 / 40, `${sent.length} messages`);
  assert.ok(times.every((time, at) => at === 0 || time - times[at - 1] >= 40));
});

test("two settings that are moved at once are both sent, each with its path", () => {
  const { hand, sent } = handOf();
  hand.move("seed", 1);
  hand.move("batch_size", 2);
  hand.move("seed", 3);
  mock.timers.tick(100);
  assert.deepEqual(sent, [
    { do: "setting", path: "seed", value: 1 }, { do: "setting", path: "batch_size", value: 2 }, { do: "setting", path: "seed", value: 3 },
  ]);
});

test("what is done after a move is sent after it", () => {
  const { hand, sent } = handOf();
  hand.move("seed", 1);
  hand.move("seed", 2);
  hand.act({ do: "new_seed" });
  mock.timers.tick(100);
  assert.deepEqual(sent.map((edit) => edit.value ?? edit.do), [1, 2, "new_seed"]);
});

test("an input is held until 300 ms after its last move, others never, and then the recipe is shown once", () => {
  const { hand, rests } = handOf();
  hand.move("seed", 1);
  mock.timers.tick(250);
  hand.move("seed", 2);
  mock.timers.tick(250);
  assert.ok(hand.holds("seed"));
  assert.ok(!hand.holds("batch_size"));
  assert.equal(rests.length, 0);
  mock.timers.tick(60);
  assert.ok(!hand.holds("seed"));
  assert.equal(rests.length, 1);
});

const SLIDER = { input: "slider", lower: 0, upper: 1, step: 0.01, whole: false };
const LADDER = { input: "ladder", rungs: [0, 0.001, 0.003, 0.01, 0.1], whole: false, zero: "off" };

test("every position of a slider gives a value on its grid and leads back to itself", () => {
  for (const field of [SLIDER, LADDER, { input: "slider", lower: 20, upper: 5000, step: 10, whole: true }, { input: "slider", lower: 0.1, upper: 10, step: 0.1 }]) {
    const way = wayOf(field);
    for (let position = 0; position <= way.last; position += 1) assert.equal(way.positionOf(way.valueAt(position)), position);
  }
  assert.equal(wayOf(SLIDER).valueAt(29), 0.29, "no 0.29000000000000004");
  assert.equal(wayOf(SLIDER).last, 100);
});

test("a value from elsewhere stands at the nearest position and is written as it is", () => {
  assert.equal(wayOf(LADDER).positionOf(0.02), 3);
  assert.equal(writeValue(0.02, LADDER), "0.02");
  assert.equal(writeValue(0.123, SLIDER), "0.123");
  assert.equal(writeValue(0.1, SLIDER), "0.10");
  assert.equal(wayOf(SLIDER).positionOf(7), 100);
  assert.equal(writeValue(0, LADDER), "off");
});

test("what is typed is a whole number, or nothing", () => {
  assert.equal(readTyped("12"), 12);
  assert.equal(readTyped("-3"), -3); // The run refuses it, and says so.
  for (const typed of ["", " ", "1.5", "two", "1e400"]) assert.equal(readTyped(typed), null);
});

const KIND = (title, width) => ({ title, help: "", fields: [], width });
const CATALOGUE = {
  sections: [{ name: "data", title: "Data", fields: [{ name: "features", input: "features", options: [{ value: "x1", title: "x₁" }, { value: "sin_x1", title: "sin x₁" }] }] }],
  families: { dataset: { spiral: KIND("Spiral") }, activation: { relu: KIND("ReLU") }, optimizer: { adam: KIND("Adam") }, layer: { a: KIND("A", "units"), b: KIND("B") } },
};
const TEXTS = new Texts({
  "differ.comma": ", ", "fitting.and": "; ", "fitting.batch": "batch {rows}", "fitting.settings": "Fits {dataset}: {settings}.",
  "rate.own": "own {optimizer} {rate} {present}", "rate.usual": "usual {optimizer} {rate} {present}",
  "points.on_the_map": "{train} and {test}", "points.on_the_map.validation": "{train}, {validation} and {test}",
  "few_rows.test": "test", "few_rows.classes": "{rows} {part} rows, {points} points",
});
const VALUES = { dataset: { kind: "spiral" }, layers: [{ kind: "a", units: 8 }, { kind: "b", p: 0.1 }, { kind: "a", units: 3 }], optimizer: { kind: "adam", learning_rate: 0.00003 } };
const FACTS = {
  rows: { train: 5, validation: 0, test: 5 }, few: null, losses: ["mse", "huber"], has_classes: true, has_features: true, own_split: false, own: null, fitting: null,
  rate: null, device: "auto", devices: ["cpu"],
};

test("a setting is there where it means something", () => {
  const known = (facts) => ({ values: VALUES, facts: { ...FACTS, ...facts } });
  assert.ok(applies("features", known({})) && !applies("features", known({ has_features: false })));
  assert.ok(applies("class_weights", known({})) && !applies("class_weights", known({ has_classes: false })));
  assert.ok(!applies("sealed", known({})) && applies("sealed", known({ rows: { train: 5, validation: 2, test: 5 } })));
  assert.ok(applies("test_fraction", known({})) && !applies("test_fraction", known({ own_split: true })));
  assert.ok(!applies("device", known({})) && applies("device", known({ devices: ["cpu", "cuda"] })) && applies("device", known({ device: "cuda" })));
  assert.deepEqual(allowed("loss", ["cross_entropy", "mse", "huber"], FACTS), ["mse", "huber"]);
  assert.deepEqual(allowed("optimizer", ["adam"], FACTS), ["adam"]);
  assert.equal(valueAt(VALUES, "layers.2.units"), 3);
});

test("what fits, what another optimizer wants, and which rows there are, are said in words", () => {
  const fitting = { layers: [{ kind: "a", units: 8, activation: { kind: "relu" } }], features: ["x1", "sin_x1"], optimizer: { kind: "adam", learning_rate: 0.01 }, batch_size: 10 };
  assert.equal(describeFitting(CATALOGUE, { values: VALUES, facts: { ...FACTS, fitting } }, TEXTS), "Fits Spiral: 8 ReLU; x₁, sin x₁; Adam 0.01; batch 10.");
  assert.equal(describeFitting(CATALOGUE, { values: VALUES, facts: FACTS }, TEXTS), "");
  assert.equal(describeRate(CATALOGUE, { values: VALUES, facts: { ...FACTS, rate: { wanted: 0.03, own: true, present: 0.00001 } } }, TEXTS), "own Adam 0.03 0.00001");
  assert.equal(describeRows(FACTS, TEXTS), "");
  assert.equal(describeRows({ ...FACTS, own_split: true, few: { part: "test", rows: 5, points: 35, classes: true } }, TEXTS), "5 and 5 5 test rows, 35 points");
  assert.equal(sizesOf(CATALOGUE, VALUES.layers), "8-3");
  assert.equal(summarize("learning", CATALOGUE, { values: VALUES, facts: FACTS }), "Adam 0.00003");
});

test("the rail stands beside the network, is a strip or a sheet, by the room and the wish", () => {
  assert.equal(standOf(1400, false, false), "standing");
  assert.equal(standOf(1400, true, false), "strip");
  assert.equal(standOf(1000, false, false), "strip");
  assert.equal(standOf(390, false, false), "sheet");
  assert.equal(standOf(1400, false, true), "none");
});

test("a graph goes from left to right, higher values above", () => {
  const points = pathOf([-1, 0, 1]).split(/[ML]/).slice(1).map((point) => point.split(" ").map(Number));
  assert.deepEqual(points.map(([x]) => x), [0, 22, 44]);
  assert.ok(points[0][1] > points[1][1] && points[1][1] > points[2][1]);
});
