import assert from "node:assert/strict";
import { test } from "node:test";
import { meaningOf } from "../../ui/canvas/keyboard.js";
import { entriesOf, withWords } from "../../ui/canvas/time/acts.js";
import { Messages } from "../../ui/canvas/words/messages.js";
import { headerOf, texts } from "./networks.mjs";

const ACTS = [
  { id: 1, bare: true, words: "Added Hidden 2, epoch 3" },
  { id: 2, bare: false, words: "Reset, epoch 9" },
  { id: 4, bare: false, words: "New seed, epoch 0" },
];

test("words that are known are not sent again, and those of acts that are gone are forgotten", () => {
  const known = new Map();
  const told = ACTS.map((act) => ({ ...act }));
  assert.deepEqual(withWords(known, told), ACTS);
  const later = [{ id: 1, bare: true }, { id: 2, bare: true }, { id: 5, bare: false, words: "Silenced Hidden 1, unit 2, epoch 1" }];
  assert.deepEqual(withWords(known, later).map(({ words }) => words), [ACTS[0].words, ACTS[1].words, later[2].words]);
  assert.deepEqual([...known.keys()], [1, 2, 5]);
});

test("the list begins with the latest act and ends with the beginning, and marks where the run stands", () => {
  const entries = entriesOf(ACTS, 2, false, texts);
  assert.deepEqual(entries.map(({ id }) => id), [4, 2, 1, 0]);
  assert.deepEqual(entries.map(({ here }) => here), [false, true, false, false]);
  assert.deepEqual(entries.map(({ undone }) => undone), [true, false, false, false]);
  assert.deepEqual(entries.map(({ words }) => words), ["New seed, epoch 0", "Reset, epoch 9", "Added Hidden 2, epoch 3 (settings only)", "Beginning"]);
});

test("before the first act everything is undone, and a beginning without its network says so", () => {
  const entries = entriesOf(ACTS, 0, true, texts);
  assert.deepEqual(entries.map(({ undone }) => undone), [true, true, true, false]);
  assert.deepEqual([entries[3].here, entries[3].words], [true, "Beginning (settings only)"]);
});

/** A key pressed with nothing in focus, or within elements that match some selectors. */
const pressed = (key, more = {}, within = []) => meaningOf({
  key, repeat: false, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, isComposing: false, ...more,
  composedPath: () => within.map((name) => Object.assign(new Element(), { matches: (selector) => selector.split(", ").includes(name) })),
});

test("Ctrl+Z takes back, Ctrl+Y and Ctrl+Shift+Z do again, with Command too, and not while somebody types", () => {
  for (const chord of [{ ctrlKey: true }, { metaKey: true }]) {
    assert.equal(pressed("z", chord), "undo");
    assert.equal(pressed("Z", { ...chord, shiftKey: true }), "redo");
    assert.equal(pressed("y", chord), "redo");
    assert.equal(pressed("z", chord, ["textarea"]), null);
    assert.equal(pressed("z", chord, ["dialog"]), null);
    assert.equal(pressed("z", chord, ["dialog:not([open])"]), "undo", "a dialog that is closed has no keys any more");
    assert.equal(pressed("s", chord), null, "the browser's own");
    assert.equal(pressed("y", { ...chord, shiftKey: true }), null);
    assert.equal(pressed("z", { ...chord, altKey: true }), null);
    assert.equal(pressed("z", { ...chord, repeat: true }), null);
  }
  assert.equal(pressed("z"), null);
});

test("what was told of an act goes with the next act, Reset and Undo among them", () => {
  const messages = new Messages({ querySelector: () => ({}) }, () => {});
  const frame = (version) => messages.setStatus(headerOf({ problem: null, acts: { undo: null, redo: null, version } }));
  const kept = () => messages.notices.map(({ key }) => key);
  const tell = (act) => messages.notice({ key: "weights_kept.same", values: { kept: 1, total: 2, act } });
  messages.notice({ key: "worker_restarted", values: { step: 5 } });
  tell(3);
  frame(2); // A frame that was made before the act.
  frame(3);
  assert.deepEqual(kept(), ["worker_restarted", "weights_kept.same"]);
  frame(4);
  assert.deepEqual(kept(), ["worker_restarted"]);
});

test("what the page tells stands in the line of messages once, and goes when the page no longer says it", () => {
  const make = () => new Messages({ querySelector: () => ({}) }, () => {});
  const messages = make();
  const words = (of) => of.notices.map((notice) => notice.words ?? notice.key);
  messages.notice({ key: "worker_restarted", values: { step: 5 } });
  const [loaded, forked] = [{ number: 1, words: "It is loaded." }, { number: 2, words: "It is forked." }];
  messages.hear([loaded], "mine");
  messages.hear([loaded, forked], "mine");
  assert.deepEqual(words(messages), ["worker_restarted", "It is loaded.", "It is forked."]);
  messages.hear([forked], "mine");
  assert.deepEqual(words(messages), ["worker_restarted", "It is forked."]);
  const again = make(); // The person was on another page meanwhile.
  again.hear([forked], "mine");
  assert.deepEqual(words(again), []);
  again.hear([forked], "another session");
  assert.deepEqual(words(again), ["It is forked."]);
  again.hear([], "another session"); // Something has gone wrong.
  assert.deepEqual(words(again), []);
});
