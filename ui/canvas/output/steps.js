/** Values over the steps of a sequence, and the tokens that stand there. */

import { css, mix } from "../colours.js";
import { number } from "../words/format.js";

const CLOSEST = 15; // pixels between two names of steps
const PADDING = 0; // the id of what stands before a short row

/**
 * What stands at each step: its token where rows are tokens, else its number.
 * @param {Layout} layout @param {Arrays} arrays @param {number} columns @param {number} every so many steps a column
 * @returns {string[]}
 */
export function stepNames({ inputs, output }, arrays, columns, every) {
  const ids = arrays["maps/inputs"];
  const tokens = output.tokens ?? [];
  const named = inputs.map?.kind === "tokens" && tokens.length > 0 && Math.ceil(inputs.map.columns / every) === columns;
  return Array.from({ length: columns }, (_, step) => (named ? nameOf(tokens, ids[step * every]) : String(step * every + 1)));
}

/** A token as it is written; padding is nothing. @param {string[]} tokens @param {number} id */
export const nameOf = (tokens, id) => (id === PADDING ? "" : tokens[id] ?? String(id));

/** The colour of a token: none that says more or less. @param {number} id @param {Theme} theme */
export const tokenColour = (id, theme) => mix(theme.zero, theme.palette[id % theme.palette.length], 0.75);

/**
 * Bars about a zero line, one a step, under each what stands there.
 * @param {Context} context @param {Box} box @param {number[]} values @param {string[]} names @param {Theme} theme
 */
export function drawSteps(context, { x, y, size }, values, names, theme) {
  const largest = Math.max(1e-9, ...values.map(Math.abs));
  const slot = size / values.length;
  const room = size * 0.84;
  const low = values.some((value) => value < 0);
  const high = values.some((value) => value > 0);
  const middle = y + 14 + (low && high ? room / 2 : low ? 0 : room);
  const reach = low && high ? room / 2 : room;
  context.save();
  context.fillStyle = css(theme.zero, 0.6);
  context.fillRect(x, y + 14, size, room);
  values.forEach((value, step) => {
    const length = (Math.abs(value) / largest) * (reach - 2);
    context.fillStyle = css(value < 0 ? theme.negative : theme.positive);
    context.fillRect(x + step * slot + Math.min(2, slot * 0.12), value < 0 ? middle : middle - length, Math.max(1, slot - Math.min(4, slot * 0.24)), Math.max(0.75, length));
  });
  context.fillStyle = css(theme.text, 0.5);
  context.fillRect(x, middle - 0.5, size, 1);
  context.font = `${11 * theme.type}px ${theme.font}`;
  context.fillStyle = css(theme.muted);
  context.textAlign = "right";
  context.textBaseline = "middle";
  if (high) context.fillText(number(largest, 2), x - 5, middle - reach + 5);
  if (low) context.fillText(number(-largest, 2), x - 5, middle + reach - 5);
  context.fillText("0", x - 5, middle);
  writeNames(context, names, x, y + 14 + room + 8, slot, theme);
  context.restore();
}

/** Names of steps, as many as do not touch: upright where all fit, else along their steps. @param {Context} context @param {string[]} names @param {number} x @param {number} y @param {number} slot @param {Theme} theme */
function writeNames(context, names, x, y, slot, theme) {
  const widest = Math.max(...names.map((name) => context.measureText(name).width));
  const upright = widest + 4 <= slot || widest < 12;
  const every = Math.max(1, Math.ceil((upright ? Math.max(widest + 6, 1) : CLOSEST) / slot));
  context.fillStyle = css(theme.text);
  names.forEach((name, step) => {
    if (step % every || !name) return;
    const at = x + (step + 0.5) * slot;
    context.save();
    if (upright) {
      context.textAlign = "center";
      context.textBaseline = "top";
      context.fillText(name, at, y);
    } else {
      context.textAlign = "right";
      context.textBaseline = "middle";
      context.translate(at, y);
      context.rotate(-Math.PI / 3);
      context.fillText(name.length > 9 ? `${name.slice(0, 8)}…` : name, 0, 0);
    }
    context.restore();
  });
}
