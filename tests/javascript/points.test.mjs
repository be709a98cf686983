import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Edits } from "../../ui/canvas/output/edits.js";
import { Output } from "../../ui/canvas/output/output.js";
import { markerRadius, nearestPoint, nextPoint, ringWrong } from "../../ui/canvas/output/points.js";
import { VectorContext } from "../../ui/canvas/vector.js";
import { DRAWING, random } from "./networks.mjs";

const toPixels = (x, y) => [100 + 10 * x, 100 - 10 * y];
const scattered = (count, seed) => {
  const next = random(seed);
  return Array.from({ length: count }, (_, row) => ({ split: "train", x: 12 * next() - 6, y: 12 * next() - 6, target: row % 2, row }));
};

/** Edits of a run with two training points and one test point, and what they sent. */
function edited() {
  const constants = {
    "points/train": Float32Array.of(1, 2, -3, 4), "points/train_target": Float32Array.of(0, 1),
    "points/test": Float32Array.of(5, 5), "points/test_target": Float32Array.of(1),
  };
  const sent = [];
  const edits = new Edits({ send: (batch) => sent.push(batch), changed: () => {} });
  edits.reset(constants, DRAWING);
  return { edits, sent, constants };
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("the nearest point is the one of the smallest distance, if it is within reach", () => {
  const points = scattered(200, 20);
  const next = random(21);
  for (let i = 0; i < 100; i += 1) {
    const [x, y] = [200 * next(), 200 * next()];
    const distance = (point) => Math.hypot(100 + 10 * point.x - x, 100 - 10 * point.y - y);
    const nearest = points.toSorted((a, b) => distance(a) - distance(b))[0];
    assert.equal(nearestPoint(points, x, y, 8, toPixels), distance(nearest) < 8 ? nearest : null);
  }
});

test("an arrow key leads its own way, and back by the opposite one where the points stand on a line", () => {
  const line = [-4, -1, 0, 3].map((x) => ({ x, y: 1 }));
  assert.equal(nextPoint(line, line[1], [1, 0], toPixels), line[2]);
  assert.equal(nextPoint(line, line[2], [-1, 0], toPixels), line[1]);
  assert.equal(nextPoint(line, line[3], [1, 0], toPixels), null);
  assert.equal(nextPoint(line, line[1], [0, 1], toPixels), null, "what lies to the side is not below");
  const points = scattered(100, 22);
  for (const from of points) {
    const found = nextPoint(points, from, [1, 0], toPixels);
    if (found) assert.ok(found.x > from.x && Math.abs(found.y - from.y) <= found.x - from.x + 1e-9);
  }
});

test("an arrow key prefers what lies straight ahead to what is a little nearer and to the side", () => {
  const [from, straight, aside] = [{ x: 0, y: 0 }, { x: 3, y: 0.2 }, { x: 2.5, y: 2 }];
  assert.equal(nextPoint([from, aside, straight], from, [1, 0], toPixels), straight);
  assert.equal(nextPoint([from, aside], from, [1, 0], toPixels), aside);
});

test("points that are put in a wrong class have a ring, each one", () => {
  const points = scattered(9, 23);
  points[8].row = null; // not yet known to the run
  const predictions = Float32Array.from(points, (point, i) => (i % 3 === 0 ? 1 - point.target : point.target));
  const context = new VectorContext();
  assert.equal(ringWrong(context, points, "train", predictions, { theme: { panel: [0, 0, 0], text: [0, 0, 0] }, toPixels }), 3);
  assert.equal(context.path.match(/A/g).length, 2 * 3);
  assert.equal(ringWrong(context, points, "train", undefined, { theme: { panel: [0, 0, 0], text: [0, 0, 0] }, toPixels }), 0);
});

test("the more points, the smaller their markers; test points are smaller than training points", () => {
  for (const split of ["train", "test"]) assert.ok(markerRadius(100, split) > markerRadius(500, split) && markerRadius(500, split) > markerRadius(1500, split));
  assert.ok(markerRadius(100, "test") < markerRadius(100, "train"));
});

test("the run's points are shown as they come, with their rows", () => {
  const { edits } = edited();
  assert.deepEqual(edits.points.train[1], { split: "train", x: -3, y: 4, target: 1, row: 1 });
  assert.deepEqual([edits.count, edits.idle], [3, true]);
});

test("a point that is added is shown at once, within the plane, and sent once", () => {
  const { edits, sent } = edited();
  assert.ok(edits.add(1.23456, -99, 1, "train"));
  assert.deepEqual(edits.points.train[2], { split: "train", x: 1.235, y: -6, target: 1, row: null });
  edits.flush();
  edits.flush();
  assert.deepEqual(sent, [{ add: [[1.235, -6, 1, "train"]], remove: [], move: [] }]);
});

test("a point that is moved twice before it is sent goes to where it was moved last", () => {
  const { edits, sent } = edited();
  const [point] = edits.points.train;
  edits.move(point, 2, 2);
  edits.move(point, 3, 3);
  edits.flush();
  assert.deepEqual(sent, [{ add: [], remove: [], move: [["train", 0, 3, 3]] }]);
});

test("a point that never left needs no removal, and one that was moved is removed by its row", () => {
  const { edits, sent } = edited();
  edits.add(0, 0, 1, "test");
  edits.remove(edits.points.test[1]);
  assert.ok(edits.idle);
  const [point] = edits.points.train;
  edits.move(point, 2, 2);
  edits.remove(point);
  edits.flush();
  assert.deepEqual(sent, [{ add: [], remove: [["train", 0]], move: [] }]);
  assert.equal(edits.points.train.length, 1);
});

test("what is done while a batch is under way finds its point among the run's new ones", () => {
  const { edits, sent, constants } = edited();
  edits.remove(edits.points.train[0]);
  edits.flush();
  edits.move(edits.points.train[0], -2, 4); // row 1 as yet
  edits.flush();
  assert.equal(sent.length, 1, "one batch at a time");
  edits.reset({ ...constants, "points/train": Float32Array.of(-3, 4), "points/train_target": Float32Array.of(1) }, DRAWING);
  assert.deepEqual(sent[1], { add: [], remove: [], move: [["train", 0, -2, 4]] });
  assert.deepEqual(edits.points.train, [{ split: "train", x: -2, y: 4, target: 1, row: 0 }]);
});

test("a batch that brings no new points counts as refused after a while: the run's own points are shown again", () => {
  const { edits } = edited();
  edits.remove(edits.points.train[0]);
  edits.flush();
  assert.equal(edits.points.train.length, 1);
  mock.timers.tick(2500);
  assert.equal(edits.points.train.length, 2);
  assert.ok(edits.idle);
});

test("there is no room for more points than may be, and no batch is larger than a hundred", () => {
  const { edits, sent } = edited();
  for (let i = 0; i < DRAWING.points - 3; i += 1) assert.ok(edits.add(0, 0, 0, "train"));
  assert.ok(!edits.add(0, 0, 0, "train"));
  assert.equal(edits.count, DRAWING.points);
  edits.flush();
  assert.equal(sent[0].add.length, 100);
});

test("other rows have no point that the keyboard stands on, and none that is being moved", () => {
  const { edits } = edited();
  const [point] = edits.points.train;
  const marks = { at: point, held: point };
  /** A map without its page: of what `renew` draws nothing is looked at. */
  const output = Object.assign(Object.create(Output.prototype), { edits, drawing: marks, probe: { follow() {} }, choosing: { build() {} }, describe() {}, drawPoints() {} });
  output.renew({ drawing: DRAWING }, edits.constants);
  assert.ok(!edits.points.train.includes(point));
  assert.deepEqual(marks, { at: null, held: null });
});
