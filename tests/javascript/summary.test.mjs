import assert from "node:assert/strict";
import { test } from "node:test";
import { curvesOf, describe, facts, trendOf, unitsOf } from "../../ui/canvas/words/summary.js";
import { outputKind } from "../../ui/canvas/kinds.js";
import { ENGLISH, grid, headerOf, layoutOf, random, texts } from "./networks.mjs";

const factsOf = (layout, arrays) => outputKind(layout).facts(layout, arrays);
const bytes = (value) => Uint8Array.from(grid(20, 20, value), (share) => Math.round(1 + 254 * share));
const history = (test_loss) => ({ rows: test_loss.length, columns: { epoch: test_loss.map((_, i) => i), test_loss } });

test("two classes share the plane as their probabilities do, and are undecided about the middle", () => {
  const { kind, regions, undecided } = factsOf(layoutOf([]), { output: bytes((x) => x) });
  assert.equal(kind, "classes");
  assert.deepEqual([regions.get(0).share, regions.get(1).share], [0.5, 0.5]);
  // Certainty |2p - 1| is below a fifth where p is between 0.4 and 0.6: four of twenty columns.
  assert.equal(undecided, 0.2);
});

test("of many classes each cell counts for the one it names, undecided where its certainty is low", () => {
  const kinds = Uint8Array.from(grid(20, 20, (x) => Math.min(2, Math.floor(4 * x))));
  const certainty = Uint8Array.from(grid(20, 20, (_, y) => (y < 0.25 ? 10 : 250)));
  const surface = factsOf(layoutOf([], { outputs: 3, layout: { classes: ["a", "b", "c"] } }), { output_class: kinds, output_certainty: certainty });
  assert.deepEqual([...surface.regions].map(([kind, { share }]) => [kind, share]), [[0, 0.25], [1, 0.25], [2, 0.5]]);
  assert.equal(surface.undecided, 0.25);
});

test("values are told in the data's units, with where they are high and low", () => {
  const layout = layoutOf([], { layout: { task: "regression", classes: [] }, output: { value_range: [100, 300] } });
  const surface = factsOf(layout, { output: bytes((x, y) => (x + 1 - y) / 2) });
  assert.deepEqual([surface.low, surface.high, surface.flat], [100, 300, false]);
  assert.deepEqual([surface.lowPosition, surface.highPosition], ["bottom_left", "top_right"]);
  assert.ok(factsOf(layout, { output: new Uint8Array(400).fill(77) }).flat);
});

test("a sine over two periods turns four times, whatever ripples it has", () => {
  const layout = layoutOf([], { names: ["x1"], output: { kind: "line" }, layout: { task: "regression" } });
  const next = random(7);
  const wave = Float32Array.from({ length: 200 }, (_, i) => Math.sin((4 * Math.PI * i) / 199) + 0.01 * next());
  const line = factsOf(layout, { output_line: wave });
  assert.deepEqual([line.kind, line.turns, line.flat], ["line", 4, false]);
  assert.ok(Math.abs(line.low + 1) < 0.02 && Math.abs(line.high - 1) < 0.02);
  assert.deepEqual(factsOf(layout, { output_line: Float32Array.from({ length: 200 }, (_, i) => i) }).turns, 0);
  assert.ok(factsOf(layout, { output_line: new Float32Array(200).fill(0.4) }).flat);
});

test("the last tenth of a curve rises, falls or hardly moves", () => {
  const curve = (length, value) => Array.from({ length }, (_, i) => value(i / (length - 1)));
  assert.equal(trendOf(curve(100, (x) => x)), "rising");
  assert.equal(trendOf(curve(100, (x) => 1 / (x + 0.5))), "falling");
  assert.equal(trendOf(curve(100, (x) => Math.exp(-20 * x))), "flat");
  assert.equal(trendOf(curve(100, (x) => (x < 0.9 ? 1 - x : x - 0.8))), "rising", "it fell for long, and rises now");
  assert.equal(trendOf(curve(7, (x) => x)), null, "too short to tell");
  assert.equal(trendOf([]), null);
});

test("the lowest test loss is found with its epoch, the present one included", () => {
  const { lowest, start } = curvesOf(headerOf({ epoch: 4, losses: { train: 0.2, test: 0.45 } }), history([0.7, 0.5, 0.4, 0.6]));
  assert.deepEqual([start, lowest], [0.7, { loss: 0.4, epoch: 2 }]);
  assert.deepEqual(curvesOf(headerOf({ epoch: 4, losses: { train: 0.2, test: 0.3 } }), history([0.7, 0.5])).lowest, { loss: 0.3, epoch: 4 });
});

test("a run without an update is untrained, whatever else it has", () => {
  assert.ok(curvesOf(headerOf({ step: 0 }), history([0.7])).untrained);
  assert.ok(curvesOf(headerOf(), history([])).untrained);
  assert.ok(!curvesOf(headerOf(), history([0.7])).untrained);
});

test("of a run that diverged no lowest loss, no trend and no overfitting is told", () => {
  const header = headerOf({ status: "diverged", losses: { train: null, test: null } });
  const seen = { layout: layoutOf([4]), header, history: history([0.7, 0.5, NaN]), arrays: { output: bytes((x) => x) } };
  const { lines } = describe(seen, texts, "en").find(({ title }) => title === ENGLISH["canvas.summary_curves"]);
  assert.deepEqual(lines, [ENGLISH["canvas.diverged"], "Accuracy: training 95.0%, test 90.0%."]);
});

test("of a run that has learned nothing yet the answers are called those of its first weights, and no unit is praised", () => {
  const seen = {
    layout: layoutOf([4]), header: headerOf({ step: 0, epoch: 0 }), history: history([0.7]), arrays: { output: bytes((x) => x), "health/0": Uint8Array.of(0, 0, 0, 0) },
  };
  const linesOf = (said, key) => said.find(({ title }) => title === ENGLISH[`canvas.${key}`]).lines;
  const [before, after] = [seen, { ...seen, header: headerOf() }].map((each) => describe(each, texts, "en"));
  assert.equal(linesOf(before, "output")[0], ENGLISH["canvas.summary_first_weights"]);
  assert.deepEqual(linesOf(before, "output").slice(1), linesOf(after, "output"));
  assert.deepEqual(linesOf(before, "summary_units"), [ENGLISH["canvas.summary_none_idle"]]);
  assert.ok(linesOf(after, "summary_units").includes(ENGLISH["canvas.summary_all_answer"]));
});

test("of weights that somebody has set, and of the beginning that is looked back at, nothing is said that holds before the first update alone", () => {
  const seen = {
    layout: layoutOf([4]), history: history([0.7]), arrays: { output: bytes((x) => x), "health/0": Uint8Array.of(0, 0, 0, 0) },
  };
  const score = "Accuracy: training 95.0%, test 90.0%.";
  const loss = "No update has been made yet; the test loss is 0.3000.";
  for (const [more, curves] of [[{ journal_version: 3 }, [loss, score]], [{ moment: { id: 1, step: 0, epoch: 0, progress: 0 } }, [score]]]) {
    const said = describe({ ...seen, header: headerOf({ step: 0, epoch: 0, ...more }) }, texts, "en").map(({ lines }) => lines);
    assert.ok(!said[1].includes(ENGLISH["canvas.summary_first_weights"]));
    assert.deepEqual(said[2], curves);
    assert.deepEqual(said[3], [ENGLISH["canvas.summary_all_answer"]]);
  }
});

test("units that do nothing are counted by their layer, dropouts left out", () => {
  const layout = layoutOf([4, "dropout", 3]);
  const { layers, frozen, known } = unitsOf(layout, {
    "health/0": Uint8Array.of(1, 0, 1, 2), "health/2": Uint8Array.of(3, 0, 0), "silenced/2": Uint8Array.of(0, 1, 1),
    "frozen/0": Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0), "frozen_bias/3": Uint8Array.of(1),
  });
  assert.deepEqual(layers.map(({ dead, saturated, constant, silenced }) => [dead, saturated, constant, silenced]), [[2, 1, 0, 0], [0, 0, 1, 2], [0, 0, 0, 0]]);
  assert.deepEqual(layers.map(({ output }) => output), [false, false, true]);
  assert.deepEqual([frozen, known], [3, true]);
  assert.equal(unitsOf(layout, {}).known, false);
});

test("the picture is told in whole sentences, without a gap left in any", () => {
  const seen = {
    layout: layoutOf([4, "dropout", 3]), header: headerOf(), history: history([0.7, 0.5, 0.4]),
    arrays: { output: bytes((x, y) => (Math.hypot(x - 0.5, y - 0.5) < 0.3 ? 1 : 0)), "health/0": Uint8Array.of(1, 0, 0, 0) },
  };
  const said = describe(seen, texts, "en");
  assert.deepEqual(said.map(({ title }) => title), ["network", "output", "summary_curves", "summary_units"].map((key) => ENGLISH[`canvas.${key}`]));
  const lines = said.flatMap(({ lines: own }) => own);
  for (const line of lines) assert.match(line, /^[^{}]+[.:)]$/);
  assert.ok(lines.some((line) => line.includes("Class 1 is enclosed")), lines.join("\n"));
  assert.ok(lines.some((line) => line.includes("1 of 4 never active")));
  assert.ok(lines.some((line) => line.includes("10%") && line.startsWith("Dropout")));
  assert.equal(facts(seen).run.epoch, 10);
});
