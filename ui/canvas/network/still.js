/** What does not change between frames, drawn once: the data's points, names of inputs and classes, "+N more", marks. */

import { css } from "../colours.js";
import { contextOf } from "../context.js";
import { outputKind } from "../kinds.js";
import { traceMarker } from "../markers.js";
import { Cells } from "../output/cells.js";
import { pointColour } from "../output/points.js";

/** @param {Context} context @param {string} text @param {number} room */
const clip = (context, text, room) => {
  if (context.measureText(text).width <= room) return text;
  let kept = text;
  while (kept.length > 1 && context.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
  return `${kept}…`;
};

/**
 * @param {{layout: Layout, constants: Arrays, theme: Theme, texts: Texts, geometry: Geometry, inputNames: string[], classNames: string[], ratio: number}} network
 * @returns {HTMLCanvasElement} as large as the stage
 */
export function drawStill({ layout, constants, theme, texts, geometry, inputNames, classNames, ratio }) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(geometry.width * ratio);
  canvas.height = Math.round(geometry.height * ratio);
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.textBaseline = "middle";
  drawInputs(context, geometry, inputNames, theme);
  drawThumb(context, layout, constants, geometry.thumb, theme);
  drawClassNames(context, geometry, classNames, theme);
  context.textAlign = "center";
  for (const column of geometry.columns) {
    if (column.part === "mark") drawMark(context, column, geometry.height, theme);
    else if (column.units > column.shown) {
      context.fillStyle = css(theme.muted);
      context.font = `${11 * theme.type}px ${theme.font}`;
      context.fillText(texts.say("canvas.more", { count: column.units - column.shown }), column.center, column.bottom + 11);
    }
  }
  return canvas;
}

/**
 * Names of the inputs, and the threads from the data to them.
 * @param {Context} context @param {Geometry} geometry @param {string[]} inputNames @param {Theme} theme
 */
function drawInputs(context, geometry, inputNames, theme) {
  const inputs = geometry.tiled[0];
  const { x, y, size } = geometry.thumb;
  const { right, width, shown } = geometry.labels;
  context.font = `${(inputs.pitch < 15 ? 9.5 : 12) * theme.type}px ${theme.font}`;
  context.textAlign = "right";
  context.strokeStyle = css(theme.line);
  context.lineWidth = 1;
  for (const tile of inputs.tiles) {
    const name = shown ? clip(context, inputNames[tile.unit] ?? "", width) : "";
    const middle = tile.y + tile.size / 2;
    const [x0, y0, x1] = [x + size, y + size / 2, right - context.measureText(name).width - 6];
    context.beginPath();
    context.moveTo(x0, y0);
    context.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, middle, x1, middle);
    context.stroke();
    context.fillStyle = css(theme.text);
    context.fillText(name, right, middle + 0.5);
  }
}

/** @param {Context} context @param {Layout} layout @param {Arrays} constants @param {Box} thumb @param {Theme} theme */
function drawThumb(context, layout, constants, thumb, theme) {
  const { x, y, size } = thumb;
  context.fillStyle = css(theme.zero);
  context.strokeStyle = css(theme.text, 0.3);
  context.beginPath();
  context.roundRect(x, y, size, size, size * 0.13);
  context.fill();
  context.stroke();
  const { drawData } = outputKind(layout);
  if (drawData) drawData(context, thumb, layout, constants, theme);
  else drawThumbPoints(context, layout, constants, thumb, theme);
}

/** @param {Context} context @param {Geometry} geometry @param {string[]} classNames @param {Theme} theme */
function drawClassNames(context, geometry, classNames, theme) {
  const output = geometry.tiled[geometry.tiled.length - 1];
  context.font = `${(output.pitch < 15 ? 9.5 : 11.5) * theme.type}px ${theme.font}`;
  context.textAlign = "left";
  classNames.forEach((name, unit) => {
    const tile = output.tiles[unit];
    const middle = tile.y + tile.size / 2;
    context.fillStyle = css(theme.palette[unit % theme.palette.length]);
    context.beginPath();
    traceMarker(context, unit, tile.x + tile.size + 9, middle, 3.5);
    context.fill();
    context.fillStyle = css(theme.text);
    context.fillText(clip(context, name, geometry.classes.width), tile.x + tile.size + 16, middle + 0.5);
  });
}

/** A layer without units; with the way around what it holds, if there is one. @param {Context} context @param {Column} column @param {number} height @param {Theme} theme */
export function drawMark(context, column, height, theme) {
  context.strokeStyle = css(theme.muted, 0.8);
  context.lineWidth = 1.5;
  context.lineCap = "round";
  context.setLineDash([2, 5]);
  context.beginPath();
  context.moveTo(column.center, 6);
  context.lineTo(column.center, height - 6);
  context.stroke();
  context.setLineDash([]);
  if (column.skip) drawSkip(context, column.skip, column.center, theme);
}

/** An arc over the columns between, to a plus where what went around is joined. @param {Context} context @param {Column} from @param {number} x @param {Theme} theme */
function drawSkip(context, from, x, theme) {
  const [left, y] = [from.left + from.size, 4];
  context.strokeStyle = css(theme.text, 0.55);
  context.lineWidth = 2 * theme.stroke;
  context.beginPath();
  const start = from.tiles[0] ? from.tiles[0].y : y + 12;
  context.moveTo(left, start + 3);
  context.bezierCurveTo(left + 14, start + 3, left + 8, y, left + 26, y);
  context.lineTo(x - 18, y);
  context.bezierCurveTo(x - 6, y, x, y + 2, x, y + 12);
  context.stroke();
  context.fillStyle = css(theme.panel);
  context.beginPath();
  context.arc(x, y + 19, 7, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  context.beginPath();
  context.moveTo(x - 3.5, y + 19);
  context.lineTo(x + 3.5, y + 19);
  context.moveTo(x, y + 15.5);
  context.lineTo(x, y + 22.5);
  context.stroke();
}

/**
 * A feature over the plane, small: what one that is off would bring.
 * @param {{layout: Layout, constants: Arrays, theme: Theme}} network @param {string} name
 * @returns {HTMLCanvasElement}
 */
export function featurePicture({ layout, constants: { feature_maps: maps }, theme }, name) {
  const canvas = document.createElement("canvas");
  const [, rows, columns] = maps.shape;
  const start = layout.features.findIndex((feature) => feature.name === name) * rows * columns;
  const cells = new Cells(canvas);
  cells.of(rows, columns).forEach((_, i, pixels) => { pixels[i] = theme.ramp[maps[start + i]]; });
  cells.show();
  return canvas;
}

/**
 * The data set's points, small.
 * @param {Context} context @param {Layout} layout @param {Arrays} constants @param {Box} thumb @param {Theme} theme
 */
function drawThumbPoints(context, layout, constants, thumb, theme) {
  const points = constants["points/train"];
  const target = constants["points/train_target"];
  const shown = Math.min(target.length, 260);
  const { x: [x0, x1], y: [y0, y1] } = outputKind(layout).spanned(layout.output);
  const inside = thumb.size - 8;
  for (let i = 0; i < shown; i += 1) {
    const x = (points[2 * i] - x0) / (x1 - x0);
    const y = (points[2 * i + 1] - y0) / (y1 - y0);
    if (x < 0 || x > 1 || y < 0 || y > 1) continue;
    context.fillStyle = css(pointColour(target[i], layout, theme));
    context.beginPath();
    context.arc(thumb.x + 4 + x * inside, thumb.y + 4 + (1 - y) * inside, thumb.size > 50 ? 1.5 : 1.1, 0, 7);
    context.fill();
  }
}
