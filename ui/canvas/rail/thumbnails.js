/** Small pictures of data sets, painted from some of their own rows. */

import { css } from "../colours.js";

const SIDE = 100; // coordinates of a thumbnail reach from 0 to this
const RADIUS = 1.5; // pixels

/**
 * Paint a picture onto a canvas of this size in CSS pixels.
 * @param {HTMLCanvasElement} canvas @param {Thumbnail} picture @param {Theme} theme @param {number} width @param {number} height
 */
export function paintThumbnail(canvas, picture, theme, width, height) {
  const scale = Math.max(2, globalThis.devicePixelRatio ?? 1);
  Object.assign(canvas, { width: width * scale, height: height * scale });
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.fillStyle = css(theme.zero);
  context.fillRect(0, 0, width, height);
  if ("images" in picture) paintImages(context, picture, theme, width, height);
  else if ("texts" in picture) paintTexts(context, picture, theme, height);
  else if ("tokens" in picture) paintTokens(context, picture, theme, width, height);
  else if ("series" in picture) paintSeries(context, picture, theme, width, height);
  else paintPoints(context, picture, theme, width, height);
}

/** @param {CanvasRenderingContext2D} context @param {PointsOf} picture @param {Theme} theme @param {number} width @param {number} height */
function paintPoints(context, { points, numbers }, theme, width, height) {
  const side = Math.min(width, height) - 2 * RADIUS;
  // A plane stays square in the middle; what has one input only is as wide as the box.
  const line = numbers && points.every(([, , target]) => target === 0);
  const across = line ? width - 2 * RADIUS : side;
  for (const [x, y, target] of points) {
    context.fillStyle = css(colourOf(target, numbers, line, theme));
    context.beginPath();
    context.arc(width / 2 + (x / SIDE - 0.5) * across, height / 2 - (y / SIDE - 0.5) * side, RADIUS, 0, 2 * Math.PI);
    context.fill();
  }
}

/** @param {number} target @param {boolean} numbers @param {boolean} line @param {Theme} theme */
function colourOf(target, numbers, line, theme) {
  if (line) return theme.palette[1];
  if (!numbers) return theme.palette[target % theme.palette.length];
  return theme.rampColours[Math.round(128 + 1.27 * target)];
}

/** @param {CanvasRenderingContext2D} context @param {ImagesOf} picture @param {Theme} theme @param {number} width @param {number} height */
function paintImages(context, { images, width: columns, brightest }, theme, width, height) {
  const cell = Math.floor((Math.min(height, width / images.length) - 2) / columns * 2) / 2;
  const gap = (width - images.length * cell * columns) / (images.length + 1);
  images.forEach((pixels, number) => pixels.forEach((light, at) => {
    if (!light) return;
    context.fillStyle = css(theme.text, light / brightest);
    const [row, column] = [Math.floor(at / columns), at % columns];
    const left = gap + number * (cell * columns + gap);
    context.fillRect(left + column * cell, (height - cell * columns) / 2 + row * cell, cell, cell);
  }));
}

/** The beginning of each text, a line each. @param {CanvasRenderingContext2D} context @param {TextsOf} picture @param {Theme} theme @param {number} height */
function paintTexts(context, { texts }, theme, height) {
  const line = height / (texts.length + 0.5);
  Object.assign(context, { fillStyle: css(theme.text), font: `${Math.floor(line * 0.8)}px sans-serif`, textBaseline: "middle" });
  texts.forEach((text, row) => context.fillText(text, 3, line * (row + 0.75)));
}

/** A line of squares a sequence, a colour a token; padding is empty. @param {CanvasRenderingContext2D} context @param {TokensOf} picture @param {Theme} theme @param {number} width @param {number} height */
function paintTokens(context, { tokens }, theme, width, height) {
  const cell = Math.floor(Math.min(width / tokens[0].length, height / tokens.length));
  tokens.forEach((ids, row) => ids.forEach((id, at) => {
    if (id === 0) return;
    context.fillStyle = css(theme.palette[id % theme.palette.length]);
    const left = (width - cell * ids.length) / 2 + at * cell;
    context.fillRect(left, (height - cell * tokens.length) / 2 + row * cell, cell - 1, cell - 1);
  }));
}

/** A curve each. @param {CanvasRenderingContext2D} context @param {SeriesOf} picture @param {Theme} theme @param {number} width @param {number} height */
function paintSeries(context, { series }, theme, width, height) {
  series.forEach((values, number) => {
    context.strokeStyle = css(theme.palette[number % theme.palette.length]);
    context.beginPath();
    values.forEach((value, at) => {
      const x = RADIUS + (width - 2 * RADIUS) * at / (values.length - 1);
      context.lineTo(x, height - RADIUS - (height - 2 * RADIUS) * value / SIDE);
    });
    context.stroke();
  });
}
