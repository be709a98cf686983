/** A row of the data as it is: a picture, curves over time, or tokens. */

import { css } from "../colours.js";
import { greyOf } from "../kinds/image.js";
import { fitted } from "../network/pixels.js";
import { looksOf } from "./grid.js";
import { lineOf } from "./text.js";

/** @typedef {import("./grid.js").Room} Room */

/** How many numbers a row has as it comes. @param {Layout} layout */
export const lengthOf = ({ output: { shape = [] } }) => shape.reduce((product, size) => product * size, 1);

/**
 * @param {Context} context @param {ArrayLike<number>} values of the row @param {number[]} shape (channels, rows, columns) or (features, steps)
 * @param {Room} room @param {Layout} layout @param {Theme} theme
 */
export function drawRow(context, values, shape, room, layout, theme) {
  const looks = looksOf(layout);
  if (looks === "pixels") drawPixels(context, values, shape, room, layout.output.grey ?? false, theme);
  else if (looks === "curves") drawCurves(context, values, shape, room, theme);
  else drawLine(context, values, room, layout.output.tokens ?? [], theme);
}

/** @type {HTMLCanvasElement | undefined} */
let small;

/** @param {Context} context @param {ArrayLike<number>} values @param {number[]} shape @param {Room} room @param {boolean} grey @param {Theme} theme */
function drawPixels(context, values, [channels, rows, columns], room, grey, theme) {
  small ??= document.createElement("canvas");
  Object.assign(small, { width: columns, height: rows });
  const inner = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d"));
  const image = inner.createImageData(columns, rows);
  const ink = greyOf(theme);
  const size = rows * columns;
  for (let i = 0; i < size; i += 1) {
    const rgb = channels === 3 ? [values[i], values[size + i], values[2 * size + i]] : grey ? ink(values[i]) : theme.rampColours[values[i]];
    image.data.set([...rgb, 255], 4 * i);
  }
  inner.putImageData(image, 0, 0);
  const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
  const { left, top, cell } = fitted(rows, columns, room.x, room.y, Math.min(room.width, room.height), ratio);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, left, top, cell * columns, cell * rows);
  context.imageSmoothingEnabled = true;
}

/** @param {Context} context @param {ArrayLike<number>} values @param {number[]} shape @param {Room} room @param {Theme} theme */
function drawCurves(context, values, [features, steps], { x, y, width, height }, theme) {
  context.save();
  context.fillStyle = css(theme.text, 0.2);
  context.fillRect(x, y + height / 2 - 0.5, width, 1);
  context.lineJoin = "round";
  for (let feature = features - 1; feature >= 0; feature -= 1) {
    context.beginPath();
    for (let step = 0; step < steps; step += 1) {
      const value = (values[feature * steps + step] - 128) / 127;
      context.lineTo(x + (steps === 1 ? 0.5 : step / (steps - 1)) * width, y + height / 2 - value * (height / 2 - 2));
    }
    context.strokeStyle = css(feature === 0 ? theme.text : theme.palette[feature % theme.palette.length], 0.9);
    context.lineWidth = height > 60 ? 2 : 1.3;
    context.stroke();
  }
  context.restore();
}

/** @param {Context} context @param {ArrayLike<number>} ids @param {Room} room @param {string[]} tokens @param {Theme} theme */
function drawLine(context, ids, { x, y, width, height }, tokens, theme) {
  context.save();
  context.font = `${12.5 * theme.type}px ${theme.font}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = css(theme.text);
  context.fillText(lineOf(context, Array.from(ids), tokens, width), x, y + height / 2 + 0.5);
  context.restore();
}
