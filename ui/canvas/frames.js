/**
 * Makes whole frames of what comes over a channel: entries that did not change are taken from the frames before, and maps that come as a
 * network's numbers are painted. Nothing is painted with the layout of another structure.
 */

/** @typedef {import("./easel.js").Easel} Easel */
/** @typedef {import("./easel.js").Painted} Painted */

/** Entries of a header that count for the frame in which they come. */
const ONCE = new Set([
  "type", "frame", "arrays", "layout", "recipe", "moment", "live", "history_from", "moments_from", "histograms", "probe", "example",
]);
const SILENCED = "silenced/";

/** The same numbers, seen as an array of this shape. @param {Float32Array | Uint8Array} numbers @param {number[]} shape */
const shaped = (numbers, shape) => /** @type {Values} */ (Object.assign(numbers, { shape }));

export class Frames {
  /** @param {Easel} easel @param {{deliver: (frame: Frame) => void, lost: () => void}} listener `lost`: a frame came that does not fit what is known */
  constructor(easel, { deliver, lost }) {
    this.easel = easel;
    this.deliver = deliver;
    this.lost = lost;
    this.forget();
  }

  forget() {
    /** The number of the newest frame that later ones build upon. @type {number | null} */
    this.number = null;
    /** @type {number | null} */
    this.structure = null;
    /** @type {Layout | null} */
    this.layout = null;
    /** @type {Partial<Header>} */
    this.header = {};
    /** @type {Arrays} */
    this.arrays = {};
    /** @type {ReturnType<Easel["plan"]> | null} */
    this.plan = null;
    /** Each in its turn, however long it takes to be painted. @type {{frame: Frame | null}[]} */
    this.queue = [];
    /** The picture that was painted last. @type {{numbers: Values, silenced: string, fine: boolean, painted: Arrays} | null} */
    this.latest = null;
  }

  /** @param {Frame} told as it came */
  take(told) {
    const frame = this.complete(told);
    if (frame.header.structure !== this.structure) {
      this.forget();
      this.lost();
      return;
    }
    const turn = { frame: /** @type {Frame | null} */ (null) };
    this.queue.push(turn);
    this.paint(frame, (painted, milliseconds) => {
      turn.frame = { header: frame.header, arrays: { ...frame.arrays, ...painted }, milliseconds };
      for (let first = this.queue[0]; first?.frame; first = this.queue[0]) {
        this.queue.shift();
        this.deliver(first.frame);
      }
    });
  }

  /** With all that did not change. @param {Frame} frame @returns {Frame} */
  complete({ header, arrays }) {
    if (header.layout) {
      this.forget();
      this.learn(header.layout, arrays);
      this.structure = header.structure;
    }
    if (header.frame === undefined) return { header, arrays }; // A moment of the past comes whole.
    this.number = header.frame;
    const lasting = Object.fromEntries(Object.entries(header).filter(([name]) => !ONCE.has(name)));
    this.header = { ...this.header, ...lasting };
    this.arrays = Object.fromEntries((this.header.holds ?? []).map((name) => [name, arrays[name] ?? this.arrays[name]]));
    return { header: { ...this.header, ...header }, arrays: { ...this.arrays, ...arrays } };
  }

  /** @param {Layout} layout @param {Arrays} arrays */
  learn(layout, arrays) {
    this.layout = layout;
    if (!layout.painting) return;
    /** @param {string} name */
    const table = (name) => /** @type {Float32Array} */ (arrays[`painting/${name}`]);
    this.plan = this.easel.plan(layout.painting, { across: table("across"), down: table("down"), curves: table("curves") });
  }

  /** @param {Frame} frame @param {(painted: Arrays, milliseconds?: number) => void} done */
  paint({ header, arrays }, done) {
    const { plan, layout } = this;
    const { numbers } = arrays;
    if (!numbers || !plan || !layout) {
      done({});
      return;
    }
    const marks = Object.entries(arrays).filter(([name]) => name.startsWith(SILENCED)).map(([name, units]) => [name.slice(SILENCED.length), units]);
    const silenced = JSON.stringify(marks.map(([address, units]) => [address, ...units]));
    const hurried = header.status === "playing" && !header.moment;
    const before = this.latest;
    if (before?.numbers === numbers && before.silenced === silenced && (hurried || before.fine)) {
      done(before.painted);
      return;
    }
    const drawn = drawnTensors(plan.painting.tensors, /** @type {Float32Array} */ (numbers));
    this.easel.paint(plan, /** @type {Float32Array} */ (numbers), Object.fromEntries(marks), hurried, (maps, milliseconds) => {
      const painted = { ...drawn, ...named(maps, layout) };
      if (this.plan === plan) this.latest = { numbers, silenced, fine: !hurried, painted };
      done(painted, milliseconds);
    });
  }
}

/** The part of each weight and bias that is drawn. @param {PaintingTensor[]} tensors @param {Float32Array} numbers @returns {Arrays} */
function drawnTensors(tensors, numbers) {
  /** @type {Arrays} */
  const found = {};
  let at = 0;
  for (const { name, shape: [units, inputs = 1], drawn } of tensors) {
    const values = numbers.subarray(at, at + units * inputs);
    at += units * inputs;
    if (!drawn) continue;
    const [rows, columns = 1] = drawn;
    found[name] = shaped(columns === inputs ? values.subarray(0, rows * columns) : corner(values, inputs, rows, columns), drawn);
  }
  return found;
}

/** The first rows and columns of a matrix. @param {Float32Array} values @param {number} width @param {number} rows @param {number} columns */
function corner(values, width, rows, columns) {
  const into = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row += 1) into.set(values.subarray(row * width, row * width + columns), row * columns);
  return into;
}

/** What was painted under the names that arrays of a frame have. @param {Painted} painted @param {Layout} layout @returns {Arrays} */
function named({ maps, scales, ...output }, { map, output: { rows, columns } }) {
  /** @type {Arrays} */
  const found = {};
  for (const [address, bytes] of Object.entries(maps)) {
    const units = scales[address].length;
    found[`maps/${address}`] = shaped(bytes, [units, map.rows ?? 1, map.columns]);
    found[`scales/${address}`] = shaped(scales[address], [units]);
  }
  for (const [name, values] of Object.entries(output)) found[name] = shaped(values, rows ? [rows, columns] : [columns]);
  return found;
}
