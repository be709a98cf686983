/** A run in small: what it answers over the plane with the training points, its network, and where two runs differ. */

import { css, mix } from "../canvas/colours.js";
import { contextOf } from "../canvas/context.js";
import { Atlas } from "../canvas/network/maps.js";
import { pointColour } from "../canvas/network/still.js";

const MOST_UNITS = 12; // of a column
const MOST_POINTS = 300;
const TENTH = 0.1;

/**
 * What is drawn of a run.
 * @typedef {{layout: Layout, constants: Arrays, arrays: Arrays}} Moment
 * @typedef {(column: number, unit: number) => {x: number, y: number}} PlaceOf  where a tile stands
 */

/**
 * A canvas as large as it stands on the page, in device pixels.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 * @returns {[Context, number, number]}
 */
export function prepared(canvas, width, height) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return [context, width, height];
}

/**
 * What the network answers: class or value at every place of its output.
 * @param {Layout} layout @param {Arrays} arrays @returns {{kind: "line" | "class" | "value", at: (i: number) => number, count: number}}
 */
function answers(layout, arrays) {
  const { task, output } = layout;
  if (output.kind === "line") return { kind: "line", at: (i) => arrays.output_line[i], count: arrays.output_line.length };
  const count = output.rows * output.columns;
  if (arrays.output_class) return { kind: "class", at: (i) => arrays.output_class[i], count };
  if (task === "classification") return { kind: "class", at: (i) => (arrays.output[i] < 128 ? 0 : 1), count };
  const [low, high] = output.value_range;
  return { kind: "value", at: (i) => low + ((arrays.output[i] - 1) / 254) * (high - low), count };
}

const image = document.createElement("canvas");

/**
 * Put pixels, row after row, over a square.
 * @param {Context} context @param {number} rows @param {number} columns @param {number} size
 * @param {(i: number) => number} pixelAt a little-endian pixel
 */
function paint(context, rows, columns, size, pixelAt) {
  image.width = columns;
  image.height = rows;
  const inner = contextOf(image);
  const data = inner.createImageData(columns, rows);
  const pixels = new Uint32Array(data.data.buffer);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = pixelAt(i);
  inner.putImageData(data, 0, 0);
  context.drawImage(image, 0, 0, size, size);
}

/**
 * The output with the training points.
 * @param {Context} context @param {number} size @param {Moment} moment
 * @param {Theme} theme
 */
export function drawOutput(context, size, { layout, constants, arrays }, theme) {
  context.fillStyle = css(theme.zero);
  context.fillRect(0, 0, size, size);
  const { output } = layout;
  if (output.kind === "line") drawLine(context, size, layout, arrays.output_line, css(theme.text, 0.9));
  else if (arrays.output_class) {
    const ramps = theme.classRamps;
    paint(context, output.rows, output.columns, size, (i) => ramps[arrays.output_class[i] % ramps.length][arrays.output_certainty[i]]);
  } else paint(context, output.rows, output.columns, size, (i) => theme.ramp[arrays.output[i]]);
  drawPoints(context, size, layout, constants, theme);
}

/** @param {Context} context @param {number} size @param {Layout} layout @param {Values} values @param {string} colour */
function drawLine(context, size, layout, values, colour) {
  const [low, high] = layout.output.value_range;
  context.beginPath();
  values.forEach((value, i) => context.lineTo((i / (values.length - 1)) * size, (1 - (value - low) / (high - low)) * size));
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.stroke();
}

/** @param {Context} context @param {number} size @param {Layout} layout @param {Arrays} constants @param {Theme} theme */
function drawPoints(context, size, layout, constants, theme) {
  const [points, targets] = [constants["points/train"], constants["points/train_target"]];
  const { x_range: [x0, x1], y_range: yRange, value_range: range, kind } = layout.output;
  const [y0, y1] = (kind === "line" ? range : yRange) ?? range;
  for (let i = 0; i < Math.min(targets.length, MOST_POINTS); i += 1) {
    context.beginPath();
    context.arc(((points[2 * i] - x0) / (x1 - x0)) * size, (1 - (points[2 * i + 1] - y0) / (y1 - y0)) * size, 1.9, 0, 7);
    context.fillStyle = css(pointColour(targets[i], layout, theme));
    context.fill();
    context.strokeStyle = css(theme.text, 0.55);
    context.lineWidth = 0.5;
    context.stroke();
  }
}

/** The network: a tile for each unit (its own map where it has one), a line for each weight. */
export class SmallNetwork {
  constructor() {
    this.atlas = new Atlas();
  }

  /**
   * @param {Context} context @param {number} width @param {number} height
   * @param {Moment} moment @param {Theme} theme
   */
  draw(context, width, height, { layout, constants, arrays }, theme) {
    context.clearRect(0, 0, width, height);
    const dense = layout.layers.filter((layer) => layer.kind !== "dropout");
    const shown = [layout.inputs, ...dense].map((layer) => Math.min(layer.shown, MOST_UNITS));
    const tallest = Math.max(...shown);
    const size = Math.max(6, Math.min(26, height / tallest - 3, (width / shown.length) * 0.6));
    const across = (width - size - 2) / (shown.length - 1);
    /** @type {PlaceOf} */
    const place = (column, unit) => ({
      x: 1 + column * across, y: height / 2 + (unit - (shown[column] - 1) / 2) * Math.min(size + 8, height / tallest) - size / 2,
    });
    for (let column = 1; column < shown.length; column += 1) {
      const weight = arrays[`weight/${column - 1}`];
      const inputs = weight.shape[1];
      for (let unit = 0; unit < shown[column]; unit += 1) {
        for (let input = 0; input < shown[column - 1]; input += 1) {
          const value = weight[unit * inputs + input];
          const strength = Math.min(1, Math.abs(value));
          const [from, to] = [place(column - 1, input), place(column, unit)];
          const middle = (from.x + size + to.x) / 2;
          context.beginPath();
          context.moveTo(from.x + size, from.y + size / 2);
          context.bezierCurveTo(middle, from.y + size / 2, middle, to.y + size / 2, to.x, to.y + size / 2);
          context.strokeStyle = css(mix(theme.line, value < 0 ? theme.negative : theme.positive, 0.25 + 0.75 * strength), 0.5 + 0.5 * strength);
          context.lineWidth = Math.max(0.4, Math.min(4, 1.6 * Math.sqrt(Math.abs(value))));
          context.stroke();
        }
      }
    }
    this.drawTiles(context, layout, constants, arrays, theme, shown, size, place);
  }

  /**
   * @param {Context} context @param {Layout} layout @param {Arrays} constants @param {Arrays} arrays
   * @param {Theme} theme @param {number[]} shown @param {number} size @param {PlaceOf} place
   */
  drawTiles(context, layout, constants, arrays, theme, shown, size, place) {
    const { kind, rows, columns } = layout.map;
    /** @param {number} column */
    const maps = (column) => (column === 0 ? constants.input_maps : arrays[`maps/${column - 1}`]);
    if (kind === "plane") {
      const stride = Math.max(1, Math.floor(Math.min(rows, columns) / (size * 2)));
      this.atlas.prepare(shown.reduce((sum, units) => sum + units, 0), rows, columns, stride);
      let first = 0;
      shown.forEach((units, column) => {
        this.atlas.write(maps(column), units, first, theme.ramp);
        first += units;
      });
      this.atlas.upload();
    }
    let tile = 0;
    shown.forEach((units, column) => {
      for (let unit = 0; unit < units; unit += 1) {
        const { x, y } = place(column, unit);
        context.beginPath();
        context.roundRect(x, y, size, size, size * 0.13);
        context.fillStyle = css(theme.zero);
        context.fill();
        if (kind === "plane") this.atlas.draw(context, tile, x, y, size);
        context.strokeStyle = css(theme.text, 0.35);
        context.lineWidth = 1;
        context.stroke();
        tile += 1;
      }
    });
  }
}

/**
 * Where two runs answer differently.
 * @param {Moment} a @param {Moment} b
 * @returns {{share: number, kind: string, differs: (i: number) => boolean} | null} null when they answer over different planes
 */
export function difference(a, b) {
  /** @param {Pick<Moment, "layout">} moment */
  const place = ({ layout: { output, task } }) => JSON.stringify([task, output.kind, output.rows, output.columns, output.x_range, output.y_range]);
  if (place(a) !== place(b)) return null;
  const [one, other] = [answers(a.layout, a.arrays), answers(b.layout, b.arrays)];
  const [low, high] = a.layout.output.value_range ?? [0, 1];
  /** @param {number} i */
  const differs = (i) => (one.kind === "class" ? one.at(i) !== other.at(i) : Math.abs(one.at(i) - other.at(i)) > TENTH * (high - low));
  let found = 0;
  for (let i = 0; i < one.count; i += 1) if (differs(i)) found += 1;
  return { share: found / one.count, kind: one.kind, differs };
}

/**
 * The map of a difference: hatched where they differ, the first one's answer in pale where they agree.
 * @param {Context} context @param {number} size @param {Moment} a @param {Moment} b
 * @param {{differs: (i: number) => boolean, kind: string}} found @param {Theme} theme @param {[Rgb, Rgb]} colours
 */
export function drawDifference(context, size, a, b, { differs, kind }, theme, colours) {
  context.fillStyle = css(theme.zero);
  context.fillRect(0, 0, size, size);
  const { output } = a.layout;
  if (kind === "line") {
    drawLine(context, size, a.layout, a.arrays.output_line, css(colours[0]));
    drawLine(context, size, a.layout, b.arrays.output_line, css(colours[1]));
    return;
  }
  /** @param {Rgb} rgb */
  const pixel = (rgb) => ((255 << 24) | ((rgb[2] & 255) << 16) | ((rgb[1] & 255) << 8) | (rgb[0] & 255)) >>> 0;
  const [dark, bright] = [pixel(theme.text), pixel(mix(theme.text, theme.background, 0.55))];
  const grounds = theme.palette.map((colour) => pixel(mix(theme.zero, colour, 0.22)));
  const first = answers(a.layout, a.arrays);
  paint(context, output.rows, output.columns, size, (i) => {
    if (differs(i)) return ((i % output.columns) + Math.floor(i / output.columns)) % 6 < 3 ? dark : bright;
    return first.kind === "class" ? grounds[first.at(i) % grounds.length] : pixel(theme.zero);
  });
}
