/** Axes with round numbers, and large bars over groups. */

import { css } from "./colours.js";
import { number } from "./words/format.js";

/** Round tick values within a range. @param {[number, number]} range @param {number} about how many */
export function ticks([low, high], about) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999) ?? 10 * power;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) values.push(i * step);
  return { values, decimals: Math.min(6, decimals) };
}

/**
 * @param {Context} context @param {{x: number, y: number, size: number}} box @param {{x: Interval, y: Interval}} view
 * @param {string[]} names @param {Theme} theme @param {boolean} grid
 */
export function drawAxes(context, box, view, names, theme, grid) {
  const { x, y, size } = box;
  /** @param {number} value @param {number} decimals */
  const write = (value, decimals) => value.toFixed(decimals).replace("-", "−");
  context.save();
  context.font = `${11 * theme.type}px ${theme.font}`;
  context.lineWidth = 1;
  context.strokeStyle = css(theme.text, 0.28);
  context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
  const horizontal = ticks(view.x, 6);
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const value of horizontal.values) {
    const at = x + ((value - view.x[0]) / (view.x[1] - view.x[0])) * size;
    context.fillStyle = css(theme.muted);
    if (at < x + size - 24 || !names[0]) context.fillText(write(value, horizontal.decimals), Math.min(at, x + size - 6), y + size + 7);
    tick(context, at, y + size, 0, 4, theme);
    if (grid) gridLine(context, at, y, at, y + size, theme);
  }
  const vertical = ticks(view.y, 6);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of vertical.values) {
    const at = y + (1 - (value - view.y[0]) / (view.y[1] - view.y[0])) * size;
    context.fillStyle = css(theme.muted);
    if (at > y + 22 || !names[1]) context.fillText(write(value, vertical.decimals), x - 7, Math.max(at, y + 5));
    tick(context, x - 4, at, 4, 0, theme);
    if (grid) gridLine(context, x, at, x + size, at, theme);
  }
  context.fillStyle = css(theme.text);
  context.font = `600 ${12 * theme.type}px ${theme.font}`;
  context.textBaseline = "top";
  context.textAlign = "right";
  context.fillText(names[0], x + size, y + size + 6 + (names[0].length > 4 ? 14 : 0));
  if (names[1].length <= 4) {
    if (names[1].length > 2) context.font = `600 ${11 * theme.type}px ${theme.font}`;
    context.fillText(names[1], x - 5, y);
  }
  else {
    context.translate(x - 33, y);
    context.rotate(-Math.PI / 2);
    context.fillText(names[1], 0, 0);
  }
  context.restore();
}

/**
 * @param {Context} context @param {number} x @param {number} y @param {number} dx @param {number} dy
 * @param {Theme} theme
 */
function tick(context, x, y, dx, dy, theme) {
  context.strokeStyle = css(theme.text, 0.28);
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + dx, y + dy);
  context.stroke();
}

/**
 * @param {Context} context @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1
 * @param {Theme} theme
 */
function gridLine(context, x0, y0, x1, y1, theme) {
  context.strokeStyle = css(theme.text, 0.08);
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/**
 * Large bars about a zero line, one a group, with the group's name and value.
 * @param {Context} context @param {Box} box @param {string[]} groups @param {number[]} values @param {Theme} theme
 */
export function drawGroups(context, box, groups, values, theme) {
  const { x, y, size } = box;
  const largest = Math.max(1e-9, ...values.map(Math.abs));
  const left = x - 22;
  const width = size + 22;
  const slot = Math.min(46, (size + 20) / groups.length);
  const top = y + (size + 20 - slot * groups.length) / 2;
  context.save();
  context.font = `${12 * theme.type}px ${theme.font}`;
  const names = groups.map((name) => (name.length > 18 ? `${name.slice(0, 17)}…` : name));
  const room = Math.max(...names.map((name) => context.measureText(name).width)) + 10;
  const middle = left + room + (width - room) / 2;
  const reach = (width - room) / 2 - 42;
  context.textBaseline = "middle";
  values.forEach((value, group) => {
    const at = top + slot * (group + 0.5);
    const length = (Math.abs(value) / largest) * reach;
    context.fillStyle = css(value < 0 ? theme.negative : theme.positive);
    context.beginPath();
    context.roundRect(value < 0 ? middle - length : middle, at - slot * 0.3, Math.max(1, length), slot * 0.6, 3);
    context.fill();
    context.fillStyle = css(theme.text);
    context.textAlign = "left";
    context.fillText(names[group], left, at);
    context.textAlign = value < 0 ? "right" : "left";
    context.fillText(number(value, 2), middle + (value < 0 ? -length - 5 : length + 5), at);
  });
  context.fillStyle = css(theme.text, 0.5);
  context.fillRect(middle - 0.5, top, 1, slot * groups.length);
  context.restore();
}
