/** Answers over one number, as a curve: of each unit, and of the output with the data's rows about it. */

import { drawAxes } from "../axes.js";
import { css } from "../colours.js";
import { EachTile, ground } from "../network/eachtile.js";
import { emptyLegend } from "../output/legend.js";
import { unitValues } from "../output/unit.js";
import { number } from "../words/format.js";

const RIPPLE = 0.05; // of the whole range: a smaller way back is no turn
const FLAT = 1e-3;
const APART = 0.1; // of the range: two answers so far apart differ

/** @type {UnitKind} */
export const lineUnit = {
  small: false,
  rows: false,
  grid: true,
  inputs: 1,
  tiles: () => new EachTile((map) => map.columns, drawCurve),
  view: ({ layout: { map, output } }) => ({ x: map.x_range, y: output.value_range, names: output.axes }),
  draws: () => true,
  draw(context, axes, box, look, arrays) {
    const { map, output } = look.layout;
    const values = unitValues(look, arrays, map.columns);
    const high = Math.max(1e-6, ...values.map(Math.abs)) * 1.1;
    // The unit has a range of its own: its axis moves with it.
    drawAxes(axes(), box, { x: map.x_range, y: [-high, high] }, [output.axes[0], ""], look.theme, true);
    drawLarge(context, box, values, -high, high, look.theme);
  },
  valueAt: (look, arrays, u) => valueIn(unitValues(look, arrays, look.layout.map.columns), u, look.texts),
  legend: emptyLegend,
  caption: () => "",
};

/** @type {OutputKind} */
export const lineOutput = {
  rows: true,
  grid: true,
  inputs: 1,
  view: ({ layout: { output } }) => ({ x: output.x_range, y: output.y_range ?? output.value_range, names: output.axes }),
  draws: () => true,
  draw(context, _, box, look, arrays) {
    const [low, high] = look.layout.output.y_range ?? look.layout.output.value_range;
    drawLarge(context, box, arrays.output_line, low, high, look.theme);
  },
  valueAt: (look, arrays, u) => valueIn(arrays.output_line, u, look.texts),
  legend: () => [],
  caption: ({ texts }) => texts.say("canvas.line_caption"),
  spanned: (output) => ({ x: output.x_range, y: output.value_range }),
  valueColour: (_, __, theme) => theme.positive,
  facts: (_, { output_line }) => ({ kind: "line", ...courseOf(output_line) }),
  sentences({ start, end, low, high, turns, flat }, _, say) {
    if (flat) return [say("summary_flat", { value: number(start) })];
    return [say("summary_line", { start: number(start), end: number(end), low: number(low), high: number(high), turns })];
  },
  answers({ output: { value_range: [low, high] } }, { output_line }) {
    return { share: "share_of_line", apart: APART * (high - low), at: (i) => output_line[i], count: output_line.length };
  },
  drawSmall(context, size, { layout, arrays }, theme) {
    drawSmallLine(context, size, layout, arrays.output_line, css(theme.text, 0.9));
  },
  drawDifference(context, size, a, b, _, __, colours) {
    drawSmallLine(context, size, a.layout, a.arrays.output_line, css(colours[0]));
    drawSmallLine(context, size, a.layout, b.arrays.output_line, css(colours[1]));
  },
};

/** @param {ArrayLike<number>} values @param {number} u @param {Texts} texts */
const valueIn = (values, u, texts) => texts.say("canvas.predicted", { value: number(values[Math.floor(u * values.length)]) });

/**
 * @param {Context} context @param {Box} box @param {ArrayLike<number>} values @param {number} low @param {number} high @param {Theme} theme
 */
function drawLarge(context, box, values, low, high, theme) {
  context.fillStyle = css(theme.zero, 0.6);
  context.fillRect(box.x, box.y, box.size, box.size);
  context.save();
  context.beginPath();
  context.rect(box.x, box.y, box.size, box.size);
  context.clip();
  context.beginPath();
  for (let i = 0; i < values.length; i += 1) {
    context.lineTo(box.x + (i / (values.length - 1)) * box.size, box.y + (1 - (values[i] - low) / (high - low)) * box.size);
  }
  context.strokeStyle = css(theme.text, 0.9);
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.stroke();
  context.restore();
}

/** @param {Context} context @param {number} size @param {Layout} layout @param {Values} values @param {string} colour */
function drawSmallLine(context, size, layout, values, colour) {
  const [low, high] = layout.output.value_range;
  context.beginPath();
  values.forEach((value, i) => context.lineTo((i / (values.length - 1)) * size, (1 - (value - low) / (high - low)) * size));
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.stroke();
}

/** A curve's ends, its range, how often it turns. @param {Values} values */
function courseOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const smallest = (high - low) * RIPPLE;
  let [turns, direction, extreme] = [0, 0, values[0]];
  for (const value of values) {
    const way = value - extreme;
    if (direction === 0 && Math.abs(way) > smallest) [direction, extreme] = [Math.sign(way), value];
    else if (direction * way > 0) extreme = value;
    else if (direction !== 0 && -direction * way > smallest) {
      turns += 1;
      [direction, extreme] = [-direction, value];
    }
  }
  return { start: values[0], end: values[values.length - 1], low, high, turns, flat: high - low < FLAT };
}

/**
 * A unit's curve on its tile, filled to its zero line by sign.
 * @type {import("../network/eachtile.js").Drawer}
 */
export function drawCurve(context, bytes, start, columns, x, y, size, theme) {
  ground(context, x, y, size, theme);
  const middle = y + size / 2;
  const scale = (size / 2) * 0.84;
  /** @param {number} column */
  const at = (column) => middle - ((bytes[start + column] - 128) / 127) * scale;
  const left = x + size * 0.05;
  const across = (size * 0.9) / (columns - 1);
  for (const { sign, colour } of [{ sign: 1, colour: theme.positive }, { sign: -1, colour: theme.negative }]) {
    context.beginPath();
    context.moveTo(left, middle);
    for (let column = 0; column < columns; column += 1) {
      const height = at(column);
      context.lineTo(left + column * across, sign > 0 ? Math.min(height, middle) : Math.max(height, middle));
    }
    context.lineTo(left + (columns - 1) * across, middle);
    context.fillStyle = css(colour, 0.55);
    context.fill();
  }
  context.beginPath();
  for (let column = 0; column < columns; column += 1) context.lineTo(left + column * across, at(column));
  context.strokeStyle = css(theme.text, 0.8);
  context.lineWidth = Math.min(1.4, size / 24);
  context.stroke();
}
