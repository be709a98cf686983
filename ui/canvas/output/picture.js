/** The ground of the large map: the network's answer over the plane or the line, or one unit's; and what it says at a place. */

import { drawAxes, drawGroups } from "../axes.js";
import { css } from "../colours.js";
import { contextOf } from "../context.js";
import { featureName, number, percent } from "../words/format.js";

export class Picture {
  /** @type {Layout} */
  layout;
  /** @type {Arrays} */
  constants;
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {Selected | null} */
  selection;
  /** @type {string} */
  shape;
  /** @type {ImageData} */
  data;
  /** @type {Uint32Array} */
  pixels;

  /** @param {HTMLCanvasElement} image of the plane, one pixel a cell */
  constructor(image) {
    this.image = image;
  }

  /**
   * A new structure, theme or unit that is looked at.
   * @param {Layout} layout @param {Arrays} constants @param {Theme} theme @param {Texts} texts @param {Selected | null} selection
   */
  build(layout, constants, theme, texts, selection) {
    Object.assign(this, { layout, constants, theme, texts, selection });
    this.shape = "";
  }

  /** The unit that is looked at, where it is known that one is. */
  get seen() {
    return /** @type {Selected} */ (this.selection);
  }

  /** Bytes of the units of the layer that is looked at. @param {Arrays} arrays */
  unitBytes(arrays) {
    const { dense } = this.seen;
    return dense < 0 ? this.constants.input_maps : arrays[`maps/${dense}`];
  }

  /** @param {Arrays} arrays */
  unitScale(arrays) {
    const { dense, unit } = this.seen;
    return dense < 0 ? 1 : arrays[`scales/${dense}`][unit];
  }

  /** A unit's values: bytes to numbers by its scale. @param {Arrays} arrays @param {number} length */
  unitValues(arrays, length) {
    const [bytes, scale, start] = [this.unitBytes(arrays), this.unitScale(arrays), this.seen.unit * length];
    return Array.from({ length }, (_, i) => ((bytes[start + i] - 128) / 127) * scale);
  }

  /** @param {number} rows @param {number} columns */
  prepare(rows, columns) {
    const shape = `${rows}x${columns}`;
    if (shape === this.shape) return;
    this.shape = shape;
    this.image.width = columns;
    this.image.height = rows;
    this.data = contextOf(this.image).createImageData(columns, rows);
    this.pixels = new Uint32Array(this.data.data.buffer);
  }

  /** The plane. @param {Arrays} arrays @param {boolean} discretize the most likely answer only */
  drawPlane(arrays, discretize) {
    const { rows, columns } = this.selection ? this.layout.map : this.layout.output;
    this.prepare(rows, columns);
    if (this.selection) this.fill(this.unitBytes(arrays), this.selection.unit * rows * columns, discretize);
    else if (arrays.output_class) {
      const { pixels, theme: { classRamps } } = this;
      const [kinds, certainty] = [arrays.output_class, arrays.output_certainty];
      for (let i = 0; i < pixels.length; i += 1) pixels[i] = classRamps[kinds[i] % classRamps.length][discretize ? 235 : certainty[i]];
    } else this.fill(arrays.output, 0, discretize);
    contextOf(this.image).putImageData(this.data, 0, 0);
  }

  /** @param {ArrayLike<number>} bytes @param {number} start @param {boolean} discretize */
  fill(bytes, start, discretize) {
    const { pixels, theme: { ramp } } = this;
    if (discretize) for (let i = 0; i < pixels.length; i += 1) pixels[i] = ramp[bytes[start + i] < 128 ? 20 : 236];
    else for (let i = 0; i < pixels.length; i += 1) pixels[i] = ramp[bytes[start + i]];
  }

  /**
   * The curve over a line, or a unit's bars.
   * @param {Context} context @param {Context} axes where a unit's own axis goes, with nothing on it @param {Box} box
   * @param {Arrays} arrays @param {View} view
   */
  drawCurve(context, axes, box, arrays, view) {
    const { theme, layout } = this;
    if (view.kind === "bars") {
      drawGroups(context, box, layout.map.groups, this.unitValues(arrays, layout.map.groups.length), theme);
      return;
    }
    const values = this.selection ? this.unitValues(arrays, layout.map.columns) : arrays.output_line;
    let [low, high] = view.y;
    if (this.selection) {
      high = Math.max(1e-6, ...values.map(Math.abs)) * 1.1;
      low = -high;
      // The unit has a range of its own: its axis moves with it.
      drawAxes(axes, box, { x: view.x, y: [low, high] }, [featureName(view.names[0]), ""], theme, true);
    }
    context.fillStyle = css(theme.zero, 0.6);
    context.fillRect(box.x, box.y, box.size, box.size);
    context.save();
    context.beginPath();
    context.rect(box.x, box.y, box.size, box.size);
    context.clip();
    context.beginPath();
    values.forEach((value, i) => {
      context.lineTo(box.x + (i / (values.length - 1)) * box.size, box.y + (1 - (value - low) / (high - low)) * box.size);
    });
    context.strokeStyle = css(theme.text, 0.9);
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.stroke();
    context.restore();
  }

  /**
   * What is answered at a place, in words.
   * @param {Arrays} arrays @param {number} u share of the width @param {number} v share of the height
   */
  valueAt(arrays, u, v) {
    const { layout, texts } = this;
    /** @type {Say} */
    const say = (key, values) => texts.say(`canvas.${key}`, values);
    const source = this.selection ? layout.map : layout.output;
    const column = Math.floor(u * source.columns);
    if (source.kind === "line") {
      const values = this.selection ? this.unitValues(arrays, source.columns) : arrays.output_line;
      return say("predicted", { value: number(values[column]) });
    }
    const index = Math.floor(v * source.rows) * source.columns + column;
    if (this.selection) return say("value", { value: number(this.unitValues(arrays, source.rows * source.columns)[index], 2) });
    if (arrays.output_class) {
      return say("predicted_class", { name: layout.classes[arrays.output_class[index]], certainty: percent(arrays.output_certainty[index] / 255, 0) });
    }
    const byte = arrays.output[index];
    if (layout.task === "regression") {
      const [low, high] = layout.output.value_range;
      return say("predicted", { value: number(low + ((byte - 1) / 254) * (high - low)) });
    }
    return say("predicted_class", { name: layout.classes[byte < 128 ? 0 : 1], certainty: percent(Math.abs(byte - 128) / 127, 0) });
  }
}
