import assert from "node:assert/strict";
import { test } from "node:test";
import { Easel } from "../../ui/canvas/easel.js";
import { Frames } from "../../ui/canvas/frames.js";
import { Budget } from "../../ui/painter/budget.js";

/** One unit of one input over four points, whose answers are its weight times -1, 0, 1 and 2. */
const PAINTING = {
  rows: 1, columns: 4, every: 1, end: 4, curves: 0, skip: 0, claim: null, answer: { kind: "value", curve: null },
  tensors: [{ name: "weight/0", shape: [1, 1], drawn: [1, 1] }, { name: "bias/0", shape: [1], drawn: [1] }],
  layers: [{ address: "0", units: 1, shown: 1, curve: null }],
};
const LAYOUT = { map: { columns: 4 }, output: { columns: 4 }, painting: PAINTING };
const TABLES = { "painting/across": Float32Array.of(-1, 0, 1, 2), "painting/down": Float32Array.of(1), "painting/curves": new Float32Array(0) };

const noWorker = () => {
  throw new Error("no workers here");
};

function framesOf(easel = new Easel(noWorker)) {
  const seen = { frames: [], lost: 0 };
  const frames = new Frames(easel, {
    deliver: (frame) => seen.frames.push(frame),
    lost: () => {
      seen.lost += 1;
    },
  });
  return { frames, seen };
}

/** It stands, so that it is painted as finely as can be however slow the machine is. */
const first = (weight, structure = 1) => ({
  header: { frame: 10, structure, status: "paused", step: 0, losses: { train: 1 }, holds: ["numbers", "health/0"], layout: LAYOUT },
  arrays: { ...TABLES, numbers: Float32Array.of(weight, 0), "health/0": Uint8Array.of(2) },
});
const later = (number, header, numbers) => ({ header: { frame: number, ...header }, arrays: numbers ? { numbers: Float32Array.of(...numbers) } : {} });

test("what did not change is taken from the frames before, and pictures are painted", () => {
  const { frames, seen } = framesOf();
  frames.take(first(1));
  frames.take(later(11, { step: 5 }, [0.5, 1]));
  const [before, now] = seen.frames;
  assert.deepEqual([...before.arrays.output_line], [-1, 0, 1, 2]);
  assert.deepEqual([...now.arrays.output_line], [0.5, 1, 1.5, 2]);
  assert.deepEqual([now.header.step, now.header.status, now.header.losses, now.header.layout], [5, "paused", { train: 1 }, undefined]);
  assert.deepEqual([[...now.arrays["weight/0"]], [...now.arrays["bias/0"]], [...now.arrays["health/0"]]], [[0.5], [1], [2]]);
  assert.deepEqual(now.arrays["maps/0"].shape, [1, 1, 4]);
  assert.deepEqual([...now.arrays["maps/0"]], [0.5, 1, 1.5, 2].map((value) => Math.floor((value / 2) * 127 + 128.5)));
  assert.equal(frames.number, 11);
});

test("what a frame no longer holds is gone", () => {
  const { frames, seen } = framesOf();
  frames.take(first(1));
  frames.take(later(11, { holds: ["numbers"] }));
  assert.equal(seen.frames[1].arrays["health/0"], undefined);
  assert.deepEqual([...seen.frames[1].arrays.output_line], [-1, 0, 1, 2]);
});

test("a moment of the past comes whole, and the present builds upon the present", () => {
  const { frames, seen } = framesOf();
  frames.take(first(1));
  frames.take({ header: { structure: 1, status: "paused", step: 0, moment: { id: 3 }, losses: { train: 9 } }, arrays: { numbers: Float32Array.of(3, 0) } });
  frames.take(later(11, { step: 6 }));
  assert.deepEqual(seen.frames.map(({ header }) => header.losses.train), [1, 9, 1]);
  assert.deepEqual(seen.frames.map(({ arrays }) => arrays.output_line[3]), [2, 6, 2]);
  assert.equal(seen.frames[2].header.moment, undefined);
});

test("a frame of another structure is not painted with the layout that is known, but asked for anew", () => {
  const { frames, seen } = framesOf();
  frames.take(first(1));
  frames.take(later(11, { structure: 2 }, [1, 1]));
  assert.deepEqual([seen.frames.length, seen.lost, frames.structure, frames.number], [1, 1, null, null]);
  frames.take(first(2, 2));
  assert.deepEqual([seen.frames.length, seen.frames[1].arrays.output_line[3]], [2, 4]);
});

/** A worker that answers when it is told to. */
class SlowWorker {
  told = [];
  ended = false;

  postMessage(message) {
    this.told.push(message);
  }

  terminate() {
    this.ended = true;
  }
}

function withWorker() {
  const worker = new SlowWorker();
  const easel = new Easel(() => worker);
  return { worker, easel, ...framesOf(easel) };
}

const painted = (value) => ({ maps: { 0: new Uint8Array(4) }, scales: { 0: Float32Array.of(1) }, output_line: new Float32Array(4).fill(value) });

test("until the worker is there the page paints, then the worker does, told each structure once", () => {
  const { worker, frames, seen } = withWorker();
  frames.take(first(1));
  assert.deepEqual([seen.frames.length, worker.told.length], [1, 0]);
  worker.onmessage({ data: { ready: true } });
  frames.take(later(11, {}, [2, 0]));
  frames.take(later(12, {}, [3, 0]));
  assert.equal(seen.frames.length, 1);
  assert.deepEqual(worker.told.map((message) => Object.keys(message).includes("painting")), [true, false, false]);
  worker.onmessage({ data: { ticket: worker.told[1].ticket, painted: painted(7), milliseconds: 3.5 } });
  assert.deepEqual(seen.frames.map(({ arrays }) => arrays.output_line[0]), [-1, 7]);
  assert.equal(seen.frames[1].milliseconds, 3.5);
  assert.ok(seen.frames[0].milliseconds >= 0);
});

test("frames come in their order, however long each is painted", () => {
  const { worker, frames, seen } = withWorker();
  worker.onmessage({ data: { ready: true } });
  frames.take(first(1));
  frames.take(later(11, { step: 11 }, [2, 0]));
  const [, one, two] = worker.told;
  worker.onmessage({ data: { ticket: two.ticket, painted: painted(2) } });
  assert.equal(seen.frames.length, 0);
  worker.onmessage({ data: { ticket: one.ticket, painted: painted(1) } });
  assert.deepEqual(seen.frames.map(({ arrays }) => arrays.output_line[0]), [1, 2]);
});

test("what a lost worker was to paint is painted by the page, and all that follows", () => {
  const { worker, frames, seen } = withWorker();
  worker.onmessage({ data: { ready: true } });
  frames.take(first(1));
  frames.take(later(11, {}, [2, 0]));
  worker.onerror();
  assert.deepEqual(seen.frames.map(({ arrays }) => arrays.output_line[3]), [2, 4]);
  assert.ok(worker.ended);
  frames.take(later(12, {}, [3, 0]));
  assert.equal(seen.frames[2].arrays.output_line[3], 6);
});

test("what the worker does not know how to paint is painted by the page", () => {
  const { worker, frames, seen } = withWorker();
  worker.onmessage({ data: { ready: true } });
  frames.take(first(1));
  worker.onmessage({ data: { ticket: worker.told[1].ticket, failed: true } });
  assert.equal(seen.frames[0].arrays.output_line[3], 2);
  frames.take(later(11, {}, [2, 0]));
  assert.ok("painting" in worker.told[2], "and the worker is told how again");
});

test("a picture painted for a frame of another structure is not shown", () => {
  const { worker, frames, seen } = withWorker();
  worker.onmessage({ data: { ready: true } });
  frames.take(first(1));
  frames.take(first(5, 2));
  const orders = worker.told.filter(({ ticket }) => ticket);
  worker.onmessage({ data: { ticket: orders[0].ticket, painted: painted(1) } });
  worker.onmessage({ data: { ticket: orders[1].ticket, painted: painted(5) } });
  assert.deepEqual(seen.frames.map(({ header, arrays }) => [header.structure, arrays.output_line[0]]), [[2, 5]]);
});

test("maps become coarser before frames become fewer, and finer again when there is time", () => {
  let [now, speed] = [0, 0.01]; // milliseconds, for each point of 1,600
  const budget = new Budget(() => now);
  const steps = [];
  const paint = (step) => {
    now += (speed * 1600) / step ** 2;
    steps.push(step);
    return step;
  };
  for (let i = 0; i < 20; i += 1) budget.spend(true, paint);
  assert.equal(steps[0], 1);
  assert.equal(steps.at(-1), 2);
  assert.equal(budget.spend(false, paint), 1, "a picture that stays is as fine as can be");
  speed = 0.05;
  for (let i = 0; i < 20; i += 1) budget.spend(true, paint);
  assert.equal(steps.at(-1), 4);
  speed = 0.001;
  for (let i = 0; i < 40; i += 1) budget.spend(true, paint);
  assert.equal(steps.at(-1), 1);
});
