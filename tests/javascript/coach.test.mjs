import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Coach, nearest } from "../../ui/canvas/words/coach.js";
import { headerOf, texts } from "./networks.mjs";

const OVERFITTING = { key: "overfitting", case: "overfitting 0", values: { epoch: 49 }, fixes: [["add_l2", "learning"], ["fewer_units", "edit"], ["back", "timeline"]] };
const DEAD = { key: "dead_layer", case: "dead_layer 1", values: { layer: 1, units: 4 }, fixes: [["leak", "edit"], ["reset", "play"]] };
const MOMENTS = [[10, 0], [11, 32], [12, 48], [13, 64]].flatMap(([id, progress]) => [id, progress, 0.1, progress * 10]);
const header = (advice, more = {}) => headerOf({ step: 900, epoch: 90, progress: 90, status: "playing", advice, ...more });

beforeEach(() => {
  const kept = new Map();
  globalThis.localStorage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) };
});

/** A coach, its switch, and what it asked for. */
function coached(hide = "") {
  const [button, done] = [{}, []];
  const root = { dataset: { hide }, querySelector: () => button };
  const coach = new Coach(root, { command: (...command) => done.push(command), action: (verb, values) => done.push([verb, values]), changed: () => {} });
  coach.build(texts);
  return { coach, button, done };
}

test("what goes wrong is said in a sentence, with a button for each thing that helps", () => {
  const { coach, done } = coached();
  coach.read(header(OVERFITTING), MOMENTS);
  const line = coach.line();
  assert.match(line.words, /^The test loss has risen since epoch 49/);
  const names = line.fixes.map((fix) => texts.say(`canvas.${fix}`, line.values));
  assert.deepEqual(names, ["Add L2", "Fewer units", "Back to epoch 48"], "the kept moment next to the best epoch");
  line.press("coach_add_l2");
  assert.deepEqual(done, [["coach", { fix: "add_l2" }]]);
  assert.equal(coach.line(), null, "it was heard");
});

test("back goes to the kept moment, and starting over is Reset", () => {
  const { coach, done } = coached();
  coach.read(header(OVERFITTING), MOMENTS);
  coach.line().press("coach_back");
  coach.read(header(DEAD), MOMENTS);
  coach.line().press("coach_reset");
  assert.deepEqual(done, [["rewind", 12], ["reset"]]);
});

test("each case is said once: not after it was dismissed, nor when it comes again", () => {
  const { coach } = coached();
  coach.read(header(OVERFITTING), MOMENTS);
  assert.ok(coach.line());
  coach.read(header(OVERFITTING), MOMENTS);
  assert.ok(coach.line(), "it stands while it is so");
  coach.read(header(null), MOMENTS);
  coach.read(header(OVERFITTING), MOMENTS);
  assert.equal(coach.line(), null);
  coach.read(header({ ...OVERFITTING, case: "overfitting 120" }), MOMENTS);
  assert.ok(coach.line(), "with other settings it is another case");
  coach.line().dismiss();
  coach.read(header({ ...OVERFITTING, case: "overfitting 120" }), MOMENTS);
  assert.equal(coach.line(), null);
  coach.read(header(null, { step: 0 }), MOMENTS);
  coach.read(header(OVERFITTING), MOMENTS);
  assert.ok(coach.line(), "of a run that began anew nothing was said");
});

test("nothing is said of a moment that is looked at, and it is not forgotten meanwhile", () => {
  const { coach } = coached();
  coach.read(header(OVERFITTING), MOMENTS);
  coach.read(header(undefined, { moment: { id: 11, step: 320, epoch: 32, progress: 32 } }), MOMENTS);
  assert.equal(coach.line(), null);
  coach.read(header(OVERFITTING), MOMENTS);
  assert.ok(coach.line());
  coach.read(header(OVERFITTING, { status: "diverged" }), MOMENTS);
  assert.equal(coach.line(), null, "of that another line speaks");
});

test("a switch turns it off, and the browser remembers", () => {
  const { coach, button } = coached();
  coach.read(header(OVERFITTING), MOMENTS);
  assert.equal(button.ariaPressed, "true");
  button.onclick();
  assert.equal(coach.line(), null);
  assert.equal(button.ariaPressed, "false");
  const next = coached();
  next.coach.read(header(OVERFITTING), MOMENTS);
  assert.equal(next.coach.line(), null);
  next.button.onclick();
  assert.ok(next.coach.line());
});

test("a link hides the coach, or what it offers of hidden controls", () => {
  const { coach } = coached("coach speed");
  coach.read(header(OVERFITTING), MOMENTS);
  assert.equal(coach.line(), null);
  const other = coached("learning timeline");
  other.coach.read(header(OVERFITTING), MOMENTS);
  assert.deepEqual(other.coach.line().fixes, ["coach_fewer_units"]);
});

test("the way back is the nearest moment that is near enough and before now", () => {
  assert.deepEqual(nearest(MOMENTS, 49, 90), { id: 12, epoch: 48 });
  assert.equal(nearest(MOMENTS, 49, 0), null);
  assert.equal(nearest([10, 0, 0.5, 0], 49, 90), null, "the beginning is not back to epoch 49");
  assert.equal(nearest(null, 49, 90), null);
});
