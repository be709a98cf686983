import assert from "node:assert/strict";
import { test } from "node:test";
import { ticks } from "../../ui/canvas/axes.js";
import { random } from "./networks.mjs";

test("ticks are worked out as one would by hand", () => {
  assert.deepEqual(ticks([-6, 6], 6), { values: [-6, -4, -2, 0, 2, 4, 6], decimals: 0 });
  const { values, decimals } = ticks([0, 1], 6);
  assert.deepEqual(values.map((value) => value.toFixed(decimals)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
});

test("ticks lie within their range, evenly, one, two or five of a power of ten apart", () => {
  const next = random(6);
  for (let i = 0; i < 500; i += 1) {
    const low = (next() - 0.5) * 10 ** (8 * next() - 3);
    const high = low + 10 ** (8 * next() - 3);
    const { values } = ticks([low, high], 6);
    assert.ok(values.length >= 2 && values.length <= 8, `${values.length} ticks from ${low} to ${high}`);
    const step = values[1] - values[0];
    assert.ok(values[0] >= low - 1e-6 * step && values.at(-1) <= high + 1e-6 * step);
    assert.ok(values[0] - low < step * 1.0001 && high - values.at(-1) < step * 1.0001, "none is missing at the ends");
    const leading = Number(step.toExponential(6).split("e")[0]);
    assert.ok([1, 2, 5, 10].some((round) => Math.abs(leading - round) < 1e-4), `a step of ${step}`);
  }
});

test("a tick's decimals write it as it is", () => {
  for (const range of [[0, 1], [-0.5, 0.5], [0, 0.013], [2, 950], [-3e5, 4e5]]) {
    const { values, decimals } = ticks(range, 6);
    const step = values[1] - values[0];
    for (const value of values) assert.ok(Math.abs(Number(value.toFixed(decimals)) - value) < 1e-6 * step);
  }
});
