import assert from "node:assert/strict";
import { test } from "node:test";
import { Texts, count, fixed, loss, number, percent, score } from "../../ui/canvas/words/format.js";
import { random } from "./networks.mjs";

const read = (written) => Number(written.replaceAll("\u2212", "-").replaceAll(",", ""));

test("a number is written so that it reads back as itself to three digits", () => {
  const next = random(1);
  for (let i = 0; i < 2000; i += 1) {
    const value = (next() - 0.5) * 10 ** (24 * next() - 12);
    const digits = Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6 ? 2 : 3; // a power of ten takes the room of a digit
    assert.ok(Math.abs(read(number(value)) - value) <= 0.5001 * 10 ** (1 - digits) * Math.abs(value), `${value} as ${number(value)}`);
  }
});

test("a number below zero has a true minus sign, also in its power of ten", () => {
  assert.equal(number(-0.25), "\u22120.25");
  assert.equal(number(2e-7), "2.0e\u22127");
  assert.equal(number(-2e-7), "\u22122.0e\u22127");
  assert.equal(fixed(-1.5, 2), "\u22121.50");
});

test("what is no number is a dash, and what is beyond all numbers is infinite", () => {
  for (const value of [null, undefined, NaN]) assert.equal(number(value), "–");
  assert.equal(number(Infinity), "∞");
  assert.equal(number(-Infinity), "\u2212∞");
  assert.equal(percent(null), "–");
  assert.equal(fixed(null, 2), "–");
});

test("thousands are apart, and a share is a percentage", () => {
  assert.equal(count(1234567.4), "1,234,567");
  assert.equal(number(12345.6), "12,346");
  assert.equal(percent(0.912), "91.2%");
  assert.equal(percent(0.5, 0), "50%");
});

test("a loss has four decimals as long as they say something", () => {
  assert.equal(loss(Math.LN2), "0.6931");
  assert.equal(loss(12.3456), "12.35");
  assert.equal(loss(0.000012345), "1.2e\u22125"); // rounded to two digits
  assert.equal(loss(null), "–");
});

test("a text is filled in, and what is not given stays to be seen", () => {
  const texts = new Texts({ greeting: "{name} has {share:.1f} of {count}", plain: "Stop" });
  assert.equal(texts.say("greeting", { name: "Ada", share: 1 / 3, count: 7 }), "Ada has 0.3333 of 7");
  assert.equal(texts.say("greeting", { name: "Ada" }), "Ada has {share:.1f} of {count}");
  assert.equal(texts.say("plain", { name: "Ada" }), "Stop");
  assert.equal(texts.say("no such text"), "no such text");
});

test("where validation rows are watched their own text is taken, if there is one", () => {
  const tests = new Texts({ loss: "Test loss", "loss.validation": "Validation loss", epoch: "Epoch" });
  const validation = tests.watching("validation");
  assert.deepEqual([tests.say("loss"), validation.say("loss"), validation.say("epoch")], ["Test loss", "Validation loss", "Epoch"]);
  assert.equal(validation.watching("test").say("loss"), "Test loss");
  assert.equal(validation.watching("validation"), validation);
});

test("a problem is a sentence with its values", () => {
  const texts = new Texts({ "problem.too_many": "{rows} rows are too many" });
  assert.equal(texts.problem({ key: "too_many", values: { rows: 9 } }), "9 rows are too many");
});

test("a huge number has an exponent and few digits, however it is written else", () => {
  const huge = -1.1927281070520967e31;
  for (const write of [(value) => score(value, "decimals"), (value) => score(value, "units"), loss, (value) => fixed(value, 2)]) {
    assert.equal(write(huge), "\u22121.2e31");
    assert.equal(write(-huge), "1.2e31");
  }
  assert.equal(percent(huge / 100), "\u22121.2e31%");
  assert.equal(fixed(999999, 1), "999999.0");
});
