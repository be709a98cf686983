/** Links between units: smooth curves, width by the weight's size, colour by its sign. */

import { css, mix } from "./colours.js";

const FULL = 3; // a weight of this size has the greatest width
const MOST_LINKS = 2000; // beyond this only the strongest of each layer are drawn

/** Colour of a weight or bias: zero fades into the background. */
export function shadeOf(weight, theme) {
  return mix(theme.line, weight < 0 ? theme.negative : theme.positive, Math.min(1, 0.25 + Math.abs(weight) * 1.2));
}

const widthOf = (weight, widest) => Math.max(0.35, widest * Math.min(1, Math.sqrt(Math.abs(weight) / FULL)));

/** One link on its own, for the unit that is looked at. @param {CanvasRenderingContext2D} context */
export function drawLink(context, from, to, weight, theme) {
  context.beginPath();
  trace(context, from, to);
  context.lineWidth = Math.max(1, widthOf(weight, 8));
  context.strokeStyle = css(shadeOf(weight, theme));
  context.stroke();
}

function trace(context, from, to) {
  const [x0, y0, x1, y1] = [from.x + from.size, from.y + from.size / 2, to.x, to.y + to.size / 2];
  const middle = (x0 + x1) / 2;
  context.moveTo(x0, y0);
  context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
}

/**
 * All links of a frame. Thin ones first, so that what matters lies on top.
 * @param {CanvasRenderingContext2D} context
 * @returns {number} how many were drawn
 */
export function drawLinks(context, geometry, arrays, theme, ratio) {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, geometry.width, geometry.height);
  const total = geometry.dense.slice(1).reduce((sum, column) => sum + arrays[`weight/${column.dense}`].length, 0);
  const share = Math.min(1, MOST_LINKS / total);
  let drawn = 0;
  for (let k = 1; k < geometry.dense.length; k += 1) {
    const [source, target] = [geometry.dense[k - 1], geometry.dense[k]];
    const weight = arrays[`weight/${target.dense}`];
    const least = share < 1 ? strongest(weight, share) : 0;
    const widest = Math.max(1.2, Math.min(8, 0.22 * Math.max(source.size, target.size)));
    const order = [];
    for (let i = 0; i < weight.length; i += 1) if (Math.abs(weight[i]) >= least) order.push(i);
    drawn += order.length;
    if (order.length <= 300) order.sort((a, b) => Math.abs(weight[a]) - Math.abs(weight[b]));
    for (const i of order) {
      context.beginPath();
      trace(context, source.tiles[i % source.shown], target.tiles[(i / source.shown) | 0]);
      context.lineWidth = widthOf(weight[i], widest);
      const size = Math.min(1, Math.abs(weight[i]));
      context.strokeStyle = css(shadeOf(weight[i], theme), 0.45 + 0.5 * size);
      context.stroke();
    }
  }
  return drawn;
}

/** The size that only a share of the weights reaches. */
function strongest(weight, share) {
  const sizes = Float32Array.from(weight, Math.abs).sort();
  return sizes[Math.max(0, Math.floor(sizes.length * (1 - share)))];
}
