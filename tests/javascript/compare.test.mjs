import assert from "node:assert/strict";
import { test } from "node:test";
import { Overlay } from "../../ui/compare/figures.js";
import { difference } from "../../ui/compare/small.js";
import { InStep } from "../../ui/compare/step.js";
import { outcome } from "../../ui/compare/words.js";
import { History } from "../../ui/canvas/curves/history.js";
import { grid, headerOf, layoutOf, random, texts } from "./networks.mjs";

const run = (name, header, dataset = "circle") => ({ name, dataset, header: headerOf(header) });
const losing = (test_) => ({ losses: { train: 0.1, test: test_ } });

test("the run with the lower test loss is named, whichever comes first", () => {
  const [good, bad] = [run("Good", losing(0.2)), run("Bad", losing(0.4))];
  assert.equal(outcome(texts, good, bad), "Good has the lower test loss: 0.2000 against 0.4000 after 10 epochs.");
  assert.equal(outcome(texts, bad, good), outcome(texts, good, bad));
});

test("of runs at different epochs each one's own is said", () => {
  const said = outcome(texts, run("Good", { ...losing(0.2), epoch: 3 }), run("Bad", { ...losing(0.4), epoch: 7 }));
  assert.equal(said, "Good has the lower test loss: 0.2000 after 3 epochs against 0.4000 after 7.");
});

test("losses that read the same are level", () => {
  assert.match(outcome(texts, run("A", losing(0.20001)), run("B", losing(0.20002))), /level/);
});

test("other losses are compared by their scores", () => {
  const scoring = (accuracy, loss_kind) => ({ ...losing(0.3), loss_kind, metrics: { train: { accuracy }, test: { accuracy } } });
  const said = outcome(texts, run("A", scoring(0.8, "hinge")), run("B", scoring(0.95, "cross_entropy")));
  assert.match(said, /^B has the higher score .*: 95\.0% against 80\.0%/);
});

test("what cannot be compared is not compared", () => {
  const plain = run("A", losing(0.2));
  assert.match(outcome(texts, plain, run("B", losing(0.3), "moons")), /different questions/);
  assert.match(outcome(texts, plain, run("B", { ...losing(0.3), watched: "validation" })), /cannot be compared/);
  assert.match(outcome(texts, plain, run("B", losing(null))), /loss of B is no longer a finite number/);
  assert.match(outcome(texts, run("A", { step: 0 }), run("B", { step: 0 })), /Press Play/);
});

const answering = (value, more) => ({ layout: layoutOf([], more), arrays: { output: Uint8Array.from(grid(20, 20, value), (share) => Math.round(1 + 254 * share)) } });

test("two runs differ on the share of the plane where their classes do", () => {
  const [left, right, quarter] = [answering((x) => x), answering((x) => 1 - x), answering((x) => (x < 0.25 ? 0 : x))];
  assert.equal(difference(left, left).share, 0);
  assert.equal(difference(left, right).share, 1);
  assert.equal(difference(left, quarter).share, 0, "both say class 0 there");
  assert.equal(difference(left, answering((x) => (x < 0.5 ? 1 : x))).share, 0.5);
});

test("two runs of a number differ where they are more than a tenth of the range apart", () => {
  const number = { layout: { task: "regression" }, output: { value_range: [0, 10] } };
  const [plain, shifted] = [answering((x) => 0.5 * x, number), answering((x) => 0.5 * x + (x > 0.5 ? 0.11 : 0.09), number)];
  const found = difference(plain, shifted);
  assert.deepEqual([found.words, found.share], ["share_of_values", 0.5]);
  assert.ok(found.differs(19) && !found.differs(0));
});

test("there is no map of runs that answer over different planes", () => {
  assert.equal(difference(answering((x) => x), answering((x) => x, { output: { x_range: [0, 1] } })), null);
  assert.equal(difference(answering((x) => x), answering((x) => x, { output: { rows: 10 } })), null);
});

/** Runs that train at their own speeds, as far as their leashes let them. */
function trainees(speeds) {
  return speeds.map((speed) => {
    const one = {
      header: { status: "paused", step: 0, speed }, leash: null,
      command(verb, value) {
        if (verb === "leash") one.leash = value;
        if (verb === "play") one.header.status = "playing";
        if (verb === "pause") one.header.status = "paused";
        if (verb === "speed") one.header.speed = value;
        if (verb === "reset") Object.assign(one.header, { step: 0, status: "paused" });
      },
      train() {
        if (one.header.status !== "playing") return;
        one.header.step = Math.min(one.leash ?? Infinity, one.header.step + Math.ceil((one.header.speed ?? 100000) / 20));
      },
    };
    return one;
  });
}

function play(runs, inStep, frames, next, each = () => {}) {
  for (let frame = 0; frame < frames; frame += 1) {
    for (const one of runs) if (next() < 0.7) one.train();
    inStep.follow();
    each();
  }
}

test("no run gets more than a hundred updates ahead of the slowest, and all of them get on", () => {
  const runs = trainees([40, 3000, 100000]);
  const inStep = new InStep(() => runs);
  inStep.play();
  play(runs, inStep, 400, random(8), () => {
    const steps = runs.map(({ header }) => header.step);
    assert.ok(Math.max(...steps) - Math.min(...steps) <= 100, `${steps}`);
  });
  for (const { header } of runs) assert.ok(header.step > 100, `${header.step}`);
});

test("a leash is lengthened in strides, not at each frame", () => {
  const runs = trainees([2000, 2000]);
  const inStep = new InStep(() => runs);
  let told = 0;
  for (const one of runs) {
    const { command } = one;
    one.command = (verb, value) => {
      if (verb === "leash") told += 1;
      command(verb, value);
    };
  }
  inStep.play();
  for (let frame = 0; frame < 600; frame += 1) {
    for (const one of runs) one.header.step = Math.min(one.leash, one.header.step + 10); // a tenth of what they may be ahead
    inStep.follow();
  }
  assert.ok(runs[0].header.step > 5000);
  assert.ok(told <= (2 * runs[0].header.step) / 50 + 2, `${told} times`);
});

test("two quick runs are bounded by no frame, and once one of them is slow they are near one another again", () => {
  const runs = trainees([null, null]);
  const inStep = new InStep(() => runs);
  inStep.play();
  const apart = () => Math.abs(runs[0].header.step - runs[1].header.step);
  /** A frame of each, in turn, after so many updates. */
  const frames = (count, ...updates) => {
    for (let frame = 0; frame < count; frame += 1) {
      runs.forEach((one, at) => {
        one.header.step = Math.min(one.leash, one.header.step + updates[at]);
        inStep.follow();
      });
    }
  };
  frames(40, 5000, 5000); // a hundred thousand a second, at twenty frames
  assert.ok(runs[0].header.step > 40 * 1500, `${runs[0].header.step}`);
  frames(400, 5000, 20);
  assert.ok(apart() <= 100, `${apart()}`);
  inStep.pause();
  frames(6, 5000, 20);
  assert.equal(inStep.state, "standing");
  assert.equal(apart(), 0);
});

test("runs that are paused stand at the same step", () => {
  const runs = trainees([40, 3000, 900]);
  const inStep = new InStep(() => runs);
  const next = random(9);
  for (let round = 0; round < 5; round += 1) {
    inStep.play();
    play(runs, inStep, 30, next);
    inStep.pause();
    play(runs, inStep, 200, next);
    assert.equal(inStep.state, "standing");
    assert.equal(new Set(runs.map(({ header }) => header.step)).size, 1);
    assert.ok(runs.every(({ header }) => header.status === "paused"));
  }
});

test("runs whose speed was set low right before Pause catch up at once, and have that speed afterwards", () => {
  const runs = trainees([null, null]);
  const inStep = new InStep(() => runs);
  inStep.play();
  for (let frame = 0; frame < 40; frame += 1) {
    for (const one of runs) {
      one.train();
      inStep.follow();
    }
  }
  inStep.setSpeed(1);
  runs[0].train();
  inStep.pause();
  assert.equal(inStep.state, "stopping");
  inStep.setSpeed(2);
  play(runs, inStep, 20, () => 0);
  assert.equal(inStep.state, "standing");
  assert.equal(runs[0].header.step, runs[1].header.step);
  assert.deepEqual(runs.map(({ header }) => header.speed), [2, 2]);
});

/** Two runs, of which one is behind when Pause is pressed. */
function stopping() {
  const runs = trainees([5, 5]);
  const inStep = new InStep(() => runs);
  inStep.play();
  inStep.follow();
  runs[0].header.step = runs[0].leash;
  inStep.pause();
  assert.equal(inStep.state, "stopping");
  assert.deepEqual(runs.map(({ header }) => header.speed), [null, null]);
  return { runs, inStep };
}

test("a run that is taken out while the others catch up has its own speed", () => {
  const { runs, inStep } = stopping();
  const [gone] = runs.splice(0, 1);
  inStep.dismiss(gone);
  assert.equal(gone.header.speed, 5);
  runs[0].train();
  inStep.follow();
  assert.deepEqual([inStep.state, runs[0].header.speed], ["standing", 5]);
});

test("a speed that was set elsewhere since the runs have that which was set here counts at Pause", () => {
  const runs = trainees([null, null]);
  const inStep = new InStep(() => runs);
  const next = random(12);
  inStep.play();
  inStep.setSpeed(20);
  play(runs, inStep, 10, next);
  for (const one of runs) one.header.speed = 7;
  play(runs, inStep, 10, next);
  assert.equal(inStep.slowest, 7);
  inStep.pause();
  play(runs, inStep, 20, next);
  assert.equal(inStep.state, "standing");
  assert.deepEqual(runs.map(({ header }) => header.speed), [7, 7]);
});

test("a run that comes back paused while the others catch up keeps nobody waiting, and has its speed in the end", () => {
  const { runs, inStep } = stopping();
  const [back] = trainees([null]); // As it was kept while it caught up.
  const [lost] = runs.splice(1, 1, back);
  inStep.replace(lost, back);
  assert.equal(back.header.speed, null);
  inStep.follow();
  assert.equal(inStep.state, "standing");
  assert.equal(back.header.speed, 5);
});

test("what is told to a run whose channel was lost is told again to the one that is back", () => {
  const { runs, inStep } = stopping();
  inStep.slowDown();
  const [back] = trainees([null]);
  inStep.replace(runs[1], back);
  assert.equal(back.header.speed, 5);
});

test("the speed of the slowest is that which was set, before the runs tell of it", () => {
  const runs = trainees([null, null]).map((one) => Object.assign(one, { command() {} }));
  const inStep = new InStep(() => runs);
  assert.equal(inStep.slowest, Infinity);
  inStep.setSpeed(30);
  assert.equal(inStep.slowest, 30);
  runs[0].header = null;
  assert.equal(inStep.slowest, 30);
  runs[1].header = null;
  assert.equal(inStep.slowest, undefined);
});

test("a run that has ended holds up no other, and when all have ended nothing plays", () => {
  const runs = trainees([100, 100]);
  const inStep = new InStep(() => runs);
  inStep.play();
  play(runs, inStep, 20, random(10));
  runs[0].header.status = "diverged";
  const before = runs[1].header.step;
  play(runs, inStep, 100, random(11));
  assert.ok(runs[1].header.step > before + 100);
  runs[1].header.status = "early_stopped";
  inStep.follow();
  assert.equal(inStep.state, "standing");
  inStep.play();
  assert.equal(inStep.state, "standing");
});

test("a curve ends at the present moment, also between two epochs", () => {
  const overlay = new Overlay({ querySelectorAll: () => [], querySelector: () => null }, "");
  const history = new History();
  history.merge({ history_from: 0, history_stride: 1, history_columns: ["epoch", "train_loss", "test_loss"] }, [0, 0, 0.7, 0.8, 1, 1, 0.5, 0.6]);
  const one = { id: 1, name: "A", colour: [0, 0, 0], history, header: { ...headerOf({ losses: { train: 0.4, test: 0.55 } }), progress: 1.5 } };
  const [train, tests] = overlay.traces(one, "loss", [one], texts);
  assert.deepEqual([train.x, train.y, tests.y], [[0, 1, 1.5], [0.7, 0.5, 0.4], [0.8, 0.6, 0.55]]);
  one.header.progress = 1;
  assert.deepEqual(overlay.traces(one, "loss", [one], texts)[0].x, [0, 1]);
});

test("a run that was stopped early stays where it is until somebody lets it go on, and then the others wait for it", () => {
  const runs = trainees([1000, 1000]);
  const inStep = new InStep(() => runs);
  runs[0].header.status = "early_stopped";
  runs[0].header.step = 50;
  inStep.play();
  play(runs, inStep, 40, random(3));
  inStep.pause();
  play(runs, inStep, 40, random(4));
  assert.deepEqual([runs[0].header.status, runs[0].header.step], ["early_stopped", 50]);
  assert.ok(runs[1].header.step > 200);
  const ahead = runs[1].header.step;
  runs[0].goesOn = true;
  inStep.play();
  play(runs, inStep, 200, random(5), () => assert.ok(runs[1].header.step <= Math.max(ahead, runs[0].header.step + 100)));
  assert.ok(runs[0].header.step > ahead);
  inStep.pause();
  play(runs, inStep, 200, random(6));
  assert.equal(runs[0].header.step, runs[1].header.step);
  runs[0].header.status = "early_stopped"; // It stops a second time: that counts again.
  const stood = runs[0].header.step;
  inStep.play();
  play(runs, inStep, 40, random(7));
  assert.equal(runs[0].header.step, stood);
  assert.ok(runs[1].header.step > stood);
});
