/**
 * Paints the maps of a network from its weights and biases, as dlcore/pictures/client_side.py describes them; it does the same as the
 * server's own painter. Bytes: 128 is zero, 1 and 255 are minus and plus a unit's scale.
 *
 * A map may be computed at every second or fourth of its points only; each then stands for those around it.
 */

const BAND = 512; // points of the grid that go through all layers together, so that their values stay in the processor's cache
const FAR = 1e30; // beyond which a curve is not followed: infinity times a slope of zero would be no number

/** @typedef {{maps: Record<string, Uint8Array>, scales: Record<string, Float32Array>, output?: Uint8Array, output_class?: Uint8Array, output_certainty?: Uint8Array, output_line?: Float32Array}} Painted */
/** @typedef {Record<string, ArrayLike<number>>} Marks  which units of a layer are silenced, by its address */

class Layer {
  /** @param {PaintingLayer} told @param {number} inputs */
  constructor({ address, units, shown, curve }, inputs) {
    this.address = address;
    this.units = units;
    this.shown = shown;
    this.curve = curve;
    this.inputs = inputs;
    this.values = new Float32Array(0);
  }
}

export class Painter {
  /** @param {Painting} painting @param {PaintingTables} tables */
  constructor(painting, { across, down, curves }) {
    this.painting = painting;
    this.across = across;
    this.down = down;
    this.inputs = across.length / painting.columns;
    const length = curves.length / Math.max(1, painting.curves);
    this.curves = Array.from({ length: painting.curves }, (_, i) => curves.subarray(i * length, (i + 1) * length));
    let before = this.inputs;
    this.layers = painting.layers.map((told) => {
      const layer = new Layer(told, before);
      before = told.units;
      return layer;
    });
    this.first = new Float32Array(0);
  }

  /**
   * All maps, at every `step`-th point of the output's grid.
   * @param {Float32Array} numbers weights and biases, one after the other @param {Marks} silenced @param {number} step 1, 2 or 4 @returns {Painted}
   */
  paint(numbers, silenced, step) {
    const { rows, columns, every } = this.painting;
    const wide = Math.ceil(columns / step);
    const high = Math.ceil(rows / step);
    const band = Math.max(1, Math.floor(BAND / wide));
    const room = band * wide;
    if (this.first.length !== this.inputs * room) {
      this.first = new Float32Array(this.inputs * room);
      for (const layer of this.layers) layer.values = new Float32Array(layer.units * room);
    }
    const last = this.layers[this.layers.length - 1];
    const sums = Array.from({ length: last.units }, () => new Float32Array(high * wide));
    const units = every ? new Units(this.layers, rows, columns, every, step) : null;
    for (let row = 0; row < high; row += band) {
      const count = Math.min(band, high - row);
      this.fill(row, count, wide, step, room);
      this.forward(numbers, silenced, room, count * wide);
      for (let k = 0; k < last.units; k += 1) sums[k].set(last.values.subarray(k * room, k * room + count * wide), row * wide);
      if (!units) continue;
      this.claim(last, room, count * wide);
      units.take(row, count, wide, room);
    }
    return { maps: units?.maps() ?? {}, scales: units?.scales ?? {}, ...this.answer(sums, wide, high, step) };
  }

  /** The inputs of some rows of the grid: products of a number of the column and one of the row. @param {number} row @param {number} count @param {number} wide @param {number} step @param {number} room */
  fill(row, count, wide, step, room) {
    const { across, down, first, painting: { rows, columns } } = this;
    for (let d = 0; d < this.inputs; d += 1) {
      for (let r = 0; r < count; r += 1) {
        const factor = down[d * rows + (row + r) * step];
        const start = d * room + r * wide;
        const source = d * columns;
        for (let c = 0; c < wide; c += 1) first[start + c] = factor * across[source + c * step];
      }
    }
  }

  /** The first `count` points through all layers; the last one's sums stay as they are. @param {Float32Array} numbers @param {Marks} silenced @param {number} room @param {number} count */
  forward(numbers, silenced, room, count) {
    let values = this.first;
    let at = this.painting.skip; // numbers that are drawn, not painted with
    const last = this.layers[this.layers.length - 1];
    for (const layer of this.layers) {
      const { units, inputs } = layer;
      const biases = at + units * inputs;
      for (let k = 0; k < units; k += 1) weigh(numbers, at + k * inputs, inputs, numbers[biases + k], values, room, layer.values, k * room, count);
      at = biases + units;
      if (layer === last) return;
      if (layer.curve !== null) for (let k = 0; k < units; k += 1) bend(this.curves[layer.curve], this.painting.end, layer.values, k * room, count);
      const marks = silenced[layer.address];
      if (marks) for (let k = 0; k < units; k += 1) if (marks[k]) layer.values.fill(0, k * room, k * room + count);
      values = layer.values;
    }
  }

  /** What the loss reads from the output's sums, in their place and around zero. @param {Layer} layer @param {number} room @param {number} count */
  claim({ values, units }, room, count) {
    const { claim, end } = this.painting;
    if (claim === "softmax") {
      softmax(values, units, room, count);
      for (let k = 0; k < units; k += 1) for (let i = k * room; i < k * room + count; i += 1) values[i] = 2 * values[i] - 1;
    } else if (claim !== null) for (let k = 0; k < units; k += 1) bend(this.curves[claim], end, values, k * room, count);
  }

  /** The large map. @param {Float32Array[]} sums of each output unit @param {number} wide @param {number} high @param {number} step */
  answer(sums, wide, high, step) {
    const { rows, columns, answer: { kind, curve }, end } = this.painting;
    const count = wide * high;
    if (kind === "classes") {
      const shares = new Float32Array(sums.length * count);
      sums.forEach((values, k) => shares.set(values, k * count));
      if (curve === "softmax") softmax(shares, sums.length, count, count);
      else if (curve !== null) bend(this.curves[curve], end, shares, 0, shares.length);
      const [kinds, certainty] = [new Uint8Array(count), new Uint8Array(count)];
      const even = 1 / sums.length;
      for (let i = 0; i < count; i += 1) {
        let [best, most, total] = [0, shares[i], shares[i]];
        for (let k = 1; k < sums.length; k += 1) {
          const share = shares[k * count + i];
          total += share;
          if (share > most) [best, most] = [k, share];
        }
        kinds[i] = best;
        certainty[i] = Math.max(0, Math.min(255, Math.round(((most / Math.max(total, 1e-12) - even) / (1 - even)) * 255)));
      }
      return { output_class: widen(kinds, wide, step, rows, columns), output_certainty: widen(certainty, wide, step, rows, columns) };
    }
    const values = sums[0];
    if (typeof curve === "number") bend(this.curves[curve], end, values, 0, count);
    if (kind === "value") return { output_line: widen(values, wide, step, rows, columns) };
    const shades = new Uint8Array(count);
    for (let i = 0; i < count; i += 1) shades[i] = Math.floor(Math.max(1, Math.min(255, values[i])) + 0.5);
    return { output: widen(shades, wide, step, rows, columns) };
  }
}

/** The pictures of the units that are shown: values are gathered band by band, then each is written by its own scale. */
class Units {
  /** @param {Layer[]} layers @param {number} rows @param {number} columns of the output's grid @param {number} every @param {number} step */
  constructor(layers, rows, columns, every, step) {
    this.layers = layers;
    this.rows = Math.ceil(rows / every);
    this.columns = Math.ceil(columns / every);
    this.skip = Math.max(1, every / step); // computed points from one that is kept to the next
    this.repeat = Math.max(1, step / every); // points of a picture that one of them stands for
    this.high = Math.ceil(this.rows / this.repeat);
    this.wide = Math.ceil(this.columns / this.repeat);
    this.values = layers.map(({ shown }) => new Float32Array(shown * this.high * this.wide));
    /** @type {Record<string, Float32Array>} */
    this.scales = {};
  }

  /** @param {number} row the first of the computed rows that are there @param {number} count @param {number} wide @param {number} room */
  take(row, count, wide, room) {
    const { skip } = this;
    this.layers.forEach((layer, index) => {
      for (let k = 0; k < layer.shown; k += 1) {
        for (let r = (skip - (row % skip)) % skip; r < count; r += skip) {
          let target = (k * this.high + (row + r) / skip) * this.wide;
          const source = k * room + r * wide;
          for (let c = 0; c < wide; c += skip) this.values[index][target++] = layer.values[source + c];
        }
      }
    });
  }

  /** @returns {Record<string, Uint8Array>} by address */
  maps() {
    /** @type {Record<string, Uint8Array>} */
    const found = {};
    const points = this.high * this.wide;
    this.layers.forEach(({ address, shown }, index) => {
      const values = this.values[index];
      const [bytes, scales] = [new Uint8Array(values.length), new Float32Array(shown)];
      for (let k = 0; k < shown; k += 1) {
        let scale = 1;
        for (let i = k * points; i < (k + 1) * points; i += 1) scale = Math.max(scale, Math.abs(values[i]) || 0);
        const factor = 127 / scale;
        for (let i = k * points; i < (k + 1) * points; i += 1) bytes[i] = values[i] * factor + 128.5;
        scales[k] = scale;
      }
      found[address] = this.repeat === 1 ? bytes : widen(bytes, this.wide, this.repeat, shown * this.rows, this.columns, this.rows);
      this.scales[address] = scales;
    });
    return found;
  }
}

/**
 * bias + sum of weights and inputs, for `count` points.
 * @param {Float32Array} weights @param {number} at where this unit's begin @param {number} inputs @param {number} bias
 * @param {Float32Array} values of input d from `d * room` on @param {number} room @param {Float32Array} into @param {number} start @param {number} count
 */
function weigh(weights, at, inputs, bias, values, room, into, start, count) {
  let d = inputs % 4;
  if (d === 0) into.fill(bias, start, start + count);
  else if (d === 1) {
    const w = weights[at];
    for (let i = 0; i < count; i += 1) into[start + i] = bias + w * values[i];
  } else if (d === 2) {
    const [v, w] = [weights[at], weights[at + 1]];
    for (let i = 0; i < count; i += 1) into[start + i] = bias + v * values[i] + w * values[room + i];
  } else {
    const [u, v, w] = [weights[at], weights[at + 1], weights[at + 2]];
    for (let i = 0; i < count; i += 1) into[start + i] = bias + u * values[i] + v * values[room + i] + w * values[2 * room + i];
  }
  for (; d < inputs; d += 4) {
    const [t, u, v, w] = [weights[at + d], weights[at + d + 1], weights[at + d + 2], weights[at + d + 3]];
    const [a, b, c, e] = [d * room, (d + 1) * room, (d + 2) * room, (d + 3) * room];
    for (let i = 0; i < count; i += 1) into[start + i] += t * values[a + i] + u * values[b + i] + v * values[c + i] + w * values[e + i];
  }
}

/** A curve's values in the place of these. @param {Float32Array} table at even distances from -end to end @param {number} end @param {Float32Array} values @param {number} start @param {number} count */
function bend(table, end, values, start, count) {
  const last = table.length - 1;
  const scale = last / (2 * end);
  const [shift, low, high] = [end * scale, table[1] - table[0], table[last] - table[last - 1]];
  for (let i = start; i < start + count; i += 1) {
    const place = values[i] * scale + shift;
    if (place <= 0) values[i] = table[0] + Math.max(place, -FAR) * low;
    else if (place >= last) values[i] = table[last] + (Math.min(place, FAR) - last) * high;
    else {
      const j = place | 0;
      values[i] = table[j] + (place - j) * (table[j + 1] - table[j]);
    }
  }
}

/** Over the units, point by point. @param {Float32Array} values @param {number} units @param {number} room @param {number} count */
function softmax(values, units, room, count) {
  for (let i = 0; i < count; i += 1) {
    let [most, total] = [-Infinity, 0];
    for (let k = 0; k < units; k += 1) most = Math.max(most, values[k * room + i]);
    for (let k = 0; k < units; k += 1) total += values[k * room + i] = Math.exp(values[k * room + i] - most);
    for (let k = 0; k < units; k += 1) values[k * room + i] /= total;
  }
}

/**
 * Each value for `step` times `step` cells; `rows` in all, in pictures of `period` rows each.
 * @template {Uint8Array | Float32Array} Values
 * @param {Values} values @param {number} wide @param {number} step @param {number} rows @param {number} columns @param {number} [period] @returns {Values}
 */
function widen(values, wide, step, rows, columns, period = rows) {
  if (step === 1) return values;
  const into = /** @type {Values} */ (new (/** @type {any} */ (values.constructor))(rows * columns));
  const high = Math.ceil(period / step);
  for (let row = 0; row < rows; row += 1) {
    const source = (Math.floor(row / period) * high + Math.floor((row % period) / step)) * wide;
    for (let column = 0; column < columns; column += 1) into[row * columns + column] = values[source + Math.floor(column / step)];
  }
  return into;
}
