/** The history of a run as the browser keeps it: of a long one the rows that a curve needs. */

/** The first row with the lowest number. @param {number[]} column @param {number} start @param {number} end */
function lowestOf(column, start, end) {
  let [found, lowest] = [start, Infinity];
  for (let row = start; row < end; row += 1) if (column[row] < lowest) [found, lowest] = [row, column[row]];
  return found;
}

/** @param {number[]} column @param {number} start @param {number} end */
function highestOf(column, start, end) {
  let [found, highest] = [start, -Infinity];
  for (let row = start; row < end; row += 1) if (column[row] > highest) [found, highest] = [row, column[row]];
  return found;
}

/** History as columns that grow as the frames bring rows: of a long one those that a curve needs, as History.thinned in dlcore/learning/history.py chooses them. */
export class History {
  /** How many rows the whole history has. @type {number} */
  length;
  /** How many of them are in each bucket. @type {number} */
  stride;
  /** The places of those that are here. @type {number[]} */
  places;
  /** @type {Record<string, number[]>} */
  columns;

  constructor() {
    this.clear();
  }

  clear() {
    this.length = 0;
    this.stride = 1;
    this.places = [];
    this.columns = {};
  }

  /** How many rows are here. */
  get rows() {
    return this.places.length;
  }

  /**
   * @param {Pick<Header, "history_from" | "history_stride" | "history_columns">} header of a frame that has rows
   * @param {ArrayLike<number>} values row after row, each after its place in the whole history; the last row of all is always there
   */
  merge({ history_from: from = 0, history_stride: stride, history_columns: names }, values) {
    if (from > this.length) return;
    if (from === 0) this.clear(); // Another history may have other columns.
    let kept = this.places.length;
    while (kept > 0 && this.places[kept - 1] >= from) kept -= 1;
    this.places.length = kept;
    const width = names.length + 1;
    for (let at = 0; at < values.length; at += width) this.places.push(values[at]);
    names.forEach((name, i) => {
      const column = (this.columns[name] ??= []);
      column.length = kept;
      for (let at = i + 1; at < values.length; at += width) column.push(values[at]);
    });
    this.length = (this.places.at(-1) ?? -1) + 1;
    if (stride > this.stride) this.widen(stride);
  }

  /** Keep of each bucket of so many rows what is lowest and highest in some column; the epoch keeps its first and its last. @param {number} stride */
  widen(stride) {
    this.stride = stride;
    const columns = Object.values(this.columns);
    const last = this.places.length - 1;
    /** @type {number[]} */
    const kept = [];
    for (let start = 0, end = 0; start <= last; start = end) {
      const bucket = Math.floor(this.places[start] / stride);
      while (end <= last && Math.floor(this.places[end] / stride) === bucket) end += 1;
      const extreme = new Set(columns.flatMap((column) => [lowestOf(column, start, end), highestOf(column, start, end)]));
      kept.push(...[...extreme].sort((a, b) => a - b));
    }
    for (const [name, column] of Object.entries(this.columns)) this.columns[name] = kept.map((row) => column[row]);
    this.places = kept.map((row) => this.places[row]);
  }

  /** At most `most` rows that keep every peak and trough of the named column. @param {number} most @param {string} name */
  thinned(most, name) {
    const column = this.columns[name] ?? [];
    if (this.rows <= most) return Array.from({ length: this.rows }, (_, i) => i);
    const kept = [0];
    const buckets = most / 2 - 1; // of two rows each, beside the first row and the last
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      const start = Math.floor((bucket * this.rows) / buckets);
      const end = Math.floor(((bucket + 1) * this.rows) / buckets);
      let [low, high] = [start, start];
      for (let row = start; row < end; row += 1) {
        if (column[row] < column[low]) low = row;
        if (column[row] > column[high]) high = row;
      }
      for (const row of [Math.min(low, high), Math.max(low, high)]) if (row > kept[kept.length - 1]) kept.push(row);
    }
    if (kept.at(-1) !== this.rows - 1) kept.push(this.rows - 1);
    return kept;
  }
}
