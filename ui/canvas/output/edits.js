/**
 * Points that a person adds, moves and takes away: shown at once, sent in batches, forgotten when the run's own points come.
 * One batch is under way at a time; what is done meanwhile waits and finds its rows among the new points by where they lie.
 */

const MOST_IN_A_BATCH = 100;
const PATIENCE = 2500; // milliseconds until a batch that brought no new points counts as refused
const SPLITS = /** @type {const} */ (["train", "test"]);

/** @typedef {{split: Split, x: number, y: number, target: number, row: number | null}} Point  row: null until the run has it */
/**
 * What waits to be sent.
 * @typedef {{kind: "add", point: Point}} Addition
 * @typedef {{kind: "remove", point: Point, from: Point}} Removal
 * @typedef {{kind: "move", point: Point, from: Point, to: {x: number, y: number}}} Move
 * @typedef {Addition | Removal | Move} Waiting
 */

export class Edits {
  /** @type {Arrays} */
  constants;
  /** @type {Layout["drawing"]} */
  limits;
  /** @type {Splits<Point[]>} */
  points;
  /** @type {Waiting[]} */
  queue;
  /** @type {Waiting[]} */
  flying;
  /** @type {number | undefined} */
  timer;

  /** @param {{send: (batch: object) => void, changed: () => void}} listener changed: what is shown is another */
  constructor(listener) {
    this.listener = listener;
    this.points = { train: [], test: [] };
    this.queue = [];
    this.flying = [];
  }

  /**
   * The run's own points. What was under way is in them, or was refused; what waits is done to them.
   * @param {Arrays} constants @param {Layout["drawing"]} limits of what may be drawn; null: nothing, and what waits is forgotten
   */
  reset(constants, limits) {
    Object.assign(this, { constants, limits });
    clearTimeout(this.timer);
    this.flying = [];
    for (const split of SPLITS) {
      const [positions, targets] = [constants[`points/${split}`], constants[`points/${split}_target`]];
      this.points[split] = Array.from(targets ?? [], (target, row) => ({ split, x: positions[2 * row], y: positions[2 * row + 1], target, row }));
    }
    this.queue = limits ? this.queue.filter((edit) => this.redo(edit)) : [];
    this.listener.changed();
    if (this.queue.length) this.flush();
  }

  /** @param {Waiting} edit */
  redo(edit) {
    if (edit.kind === "add") {
      edit.point.row = null;
      this.points[edit.point.split].push(edit.point);
      return true;
    }
    const { split, x, y, target } = edit.from;
    const [toX, toY] = [this.inside(x), this.inside(y)];
    const near = 2 * 10 ** -this.known.decimals;
    const point = this.points[split].find((one) => one.target === target && Math.abs(one.x - toX) < near && Math.abs(one.y - toY) < near);
    if (!point) return false;
    edit.point = point;
    edit.from = { ...point };
    if (edit.kind === "move") Object.assign(point, edit.to);
    else this.points[split].splice(this.points[split].indexOf(point), 1);
    return true;
  }

  /** Where something may be drawn, it is known how much. */
  get known() {
    return /** @type {NonNullable<Layout["drawing"]>} */ (this.limits);
  }

  /** A coordinate as the recipe will have it. @param {number} value */
  inside(value) {
    const { edge, decimals } = this.known;
    return Math.round(Math.max(-edge, Math.min(edge, value)) * 10 ** decimals) / 10 ** decimals;
  }

  get count() {
    return this.points.train.length + this.points.test.length;
  }

  get full() {
    return this.count >= this.known.points;
  }

  get idle() {
    return this.queue.length === 0 && this.flying.length === 0;
  }

  /** @param {number} x @param {number} y @param {number} target @param {Split} split @returns {boolean} whether there was room */
  add(x, y, target, split) {
    if (this.full) return false;
    const point = { split, x: this.inside(x), y: this.inside(y), target, row: null };
    this.points[split].push(point);
    this.queue.push({ kind: "add", point });
    this.listener.changed();
    return true;
  }

  /** @param {Point} point */
  remove(point) {
    const list = this.points[point.split];
    list.splice(list.indexOf(point), 1);
    const waiting = this.queue.find((edit) => edit.point === point);
    if (waiting) this.queue.splice(this.queue.indexOf(waiting), 1);
    // A point that never left needs no farewell.
    if (waiting?.kind !== "add") this.queue.push({ kind: "remove", point, from: waiting?.from ?? { ...point } });
    this.listener.changed();
  }

  /** @param {Point} point @param {number} x @param {number} y */
  move(point, x, y) {
    const to = { x: this.inside(x), y: this.inside(y) };
    const waiting = this.queue.find((edit) => edit.point === point);
    if (!waiting) this.queue.push({ kind: "move", point, from: { ...point }, to });
    else if (waiting.kind === "move") waiting.to = to;
    Object.assign(point, to);
    this.listener.changed();
  }

  /** Send what waits, if nothing is under way. */
  flush() {
    if (this.flying.length || !this.queue.length) return;
    // A point that was added before the last batch came back has no row yet: it waits for it.
    const ready = this.queue.filter((edit) => edit.kind === "add" || edit.from.row !== null).slice(0, MOST_IN_A_BATCH);
    if (!ready.length) return;
    this.queue = this.queue.filter((edit) => !ready.includes(edit));
    this.flying = ready;
    /** @template {Waiting["kind"]} Kind @param {Kind} kind */
    const of = (kind) => /** @type {Extract<Waiting, {kind: Kind}>[]} */ (ready.filter((edit) => edit.kind === kind));
    this.listener.send({
      add: of("add").map(({ point }) => [point.x, point.y, point.target, point.split]),
      remove: of("remove").map(({ from }) => [from.split, from.row]),
      move: of("move").map(({ from, to }) => [from.split, from.row, to.x, to.y]),
    });
    this.timer = setTimeout(() => this.reset(this.constants, this.limits), PATIENCE);
  }

  destroy() {
    clearTimeout(this.timer);
  }
}
