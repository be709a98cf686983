import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Announcer } from "../../ui/canvas/words/announce.js";
import { meaningOf } from "../../ui/canvas/keyboard.js";
import { mounting } from "../../ui/canvas/mount.js";
import { WayBack } from "../../ui/canvas/time/wayback.js";
import { headerOf, texts } from "./networks.mjs";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

/** What was spoken while these frames came, each told at once. */
function spoken(...headers) {
  const region = { textContent: "" };
  const announcer = new Announcer(region);
  announcer.build(texts);
  const said = [];
  for (const header of headers) {
    region.textContent = "";
    announcer.read(headerOf(header));
    mock.timers.tick(1000);
    said.push(region.textContent);
  }
  return said;
}

test("a listener is told that training started, paused and was reset", () => {
  const said = spoken({ step: 5, epoch: 1 }, { step: 6, epoch: 1, status: "playing" }, { step: 9, epoch: 2 }, { step: 0, epoch: 0 });
  assert.equal(said[0], "", "the first frame is no event");
  assert.equal(said[1], "Training started at epoch 1.");
  assert.match(said[2], /^Paused at epoch 2, step 9\. Test loss 0\.3000\. .* 90\.0%\.$/);
  assert.match(said[3], /^Reset to the initial weights\./);
});

test("a step and an epoch are told apart, and what the line of messages says is not said twice", () => {
  assert.match(spoken({ step: 5 }, { step: 6 })[1], /^Step 6\./);
  assert.match(spoken({ step: 5 }, { step: 15 })[1], /^Epoch 10, step 15\./);
  assert.equal(spoken({ step: 5, status: "playing" }, { step: 6, status: "diverged" })[1], "");
});

test("a frame of another structure is no event", () => {
  assert.equal(spoken({ structure: 1, step: 5 }, { structure: 2, step: 0 })[1], "");
});

test("steps in quick succession make one sentence", () => {
  const region = { textContent: "" };
  const announcer = new Announcer(region);
  announcer.build(texts);
  let changes = 0;
  for (let step = 1; step < 20; step += 1) {
    announcer.read(headerOf({ step }));
    mock.timers.tick(30);
    if (region.textContent) changes += 1;
  }
  assert.equal(changes, 0);
  mock.timers.tick(200);
  assert.match(region.textContent, /^Step 19\./);
});

const pressed = (key, more = {}) => ({ key, composedPath: () => [], ...more });

test("a key means its button, whether it is held with the shift key or not as it has to be", () => {
  assert.deepEqual([" ", "s", "e", "r", "d", "?"].map((key) => meaningOf(pressed(key))), ["play", "step", "epoch", "reset", "describe", "keys"]);
  assert.equal(meaningOf(pressed("?", { shiftKey: true })), "keys");
  assert.equal(meaningOf(pressed("S", { shiftKey: true })), null);
  assert.equal(meaningOf(pressed("S")), "step", "with the caps lock on");
  assert.equal(meaningOf(pressed("x")), null);
});

test("a key with Control, Alt or Command is the browser's, and only the step key repeats", () => {
  for (const modifier of ["ctrlKey", "altKey", "metaKey", "isComposing"]) assert.equal(meaningOf(pressed("r", { [modifier]: true })), null);
  assert.equal(meaningOf(pressed("s", { repeat: true })), "step");
  assert.equal(meaningOf(pressed("e", { repeat: true })), null);
});

test("keys in a field are typed, and Space on a button presses that button", () => {
  const within = (kind) => Object.assign(new Element(), { matches: (selector) => selector.split(", ").some((one) => one.startsWith(kind)) });
  assert.equal(meaningOf(pressed("s", { composedPath: () => [within("textarea")] })), null);
  assert.equal(meaningOf(pressed(" ", { composedPath: () => [within("button")] })), null);
  assert.equal(meaningOf(pressed("s", { composedPath: () => [within("button")] })), "step");
});

test("one drawing lives in a place, however often it is called, and goes when its last call is over", () => {
  const made = [];
  class Drawing {
    constructor(root) {
      Object.assign(this, { root, updates: 0, destroyed: false });
      made.push(this);
    }

    update() {
      this.updates += 1;
    }

    destroy() {
      this.destroyed = true;
    }
  }
  const root = {};
  const parentElement = { querySelector: () => root };
  const mount = mounting(".nn", Drawing);
  const first = mount({ parentElement });
  const second = mount({ parentElement });
  first(); // Streamlit cleans up after the run that the second one overtook.
  mock.timers.tick(10);
  assert.deepEqual([made.length, made[0].updates, made[0].destroyed], [1, 2, false]);
  second();
  mock.timers.tick(10);
  assert.ok(made[0].destroyed);
  mount({ parentElement });
  assert.equal(made.length, 2);
});

test("a drawing whose element was replaced is made anew", () => {
  let root = {};
  const log = [];
  class Drawing {
    constructor(element) {
      this.root = element;
      log.push("made");
    }

    update() {}

    destroy() {
      log.push("destroyed");
    }
  }
  const parentElement = { querySelector: () => root };
  const mount = mounting(".nn", Drawing);
  mount({ parentElement });
  root = {};
  mount({ parentElement });
  assert.deepEqual(log, ["made", "destroyed", "made"]);
});

/** The offers that a tab makes as it stands on these runs, one after the other. */
async function offers(visits, kept) {
  const made = [];
  globalThis.fetch = async () => ({ status: kept ? 200 : 404, json: async () => kept });
  const back = new WayBack(new URL("http://here/api/"), (offer) => made.push(offer));
  for (const { token, server = "a", session, moved } of visits) {
    back.stand(token, { server, session });
    if (moved) back.moved();
  }
  await new Promise((resolve) => { setImmediate(resolve); });
  return { back, last: made.at(-1) };
}

test("a tab that was given another run is offered the one it had, if that got anywhere", async () => {
  const visits = [{ token: "old", session: "1", moved: true }, { token: "new", session: "2" }];
  assert.deepEqual((await offers(visits, { step: 5, epoch: 3 })).last, { token: "old", epoch: 3, restarted: false });
  assert.equal((await offers(visits, null)).last, null, "it is no longer kept");
  assert.equal((await offers([{ token: "old", session: "1" }, { token: "new", session: "2" }], { step: 5, epoch: 3 })).last, null, "it never moved");
});

test("after a restart of the server a run that is lost is said to be lost", async () => {
  const visits = [{ token: "old", session: "1", server: "a", moved: true }, { token: "new", session: "2", server: "b" }];
  assert.deepEqual((await offers(visits, { step: 5, epoch: 3 })).last, { token: "old", epoch: 3, restarted: true });
  assert.deepEqual((await offers(visits, null)).last, { token: null });
});

test("an offer that was declined is not made again", async () => {
  const { back, last } = await offers([{ token: "old", session: "1", moved: true }, { token: "new", session: "2" }], { step: 5, epoch: 3 });
  assert.equal(last.token, "old");
  back.decline();
  const made = [];
  back.onOffer = (offer) => made.push(offer);
  back.stand("new", { server: "a", session: "2" });
  await new Promise((resolve) => { setImmediate(resolve); });
  assert.deepEqual(made, [null]);
});
