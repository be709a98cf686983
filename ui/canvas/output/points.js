/** The data's points: class by shape and by colour, training filled, test hollow, wrong ones ringed. */

import { css } from "../colours.js";
import { outputKind } from "../kinds.js";
import { traceMarker } from "../markers.js";

/** How large the markers of this many points are. @param {number} count @param {Split} split */
export const markerRadius = (count, split) => (count > 800 ? 2.2 : count > 300 ? 2.8 : 3.4) * (split === "test" ? 0.94 : 1);

/** The colour of a point by its class or value. @param {number} target @param {Layout} layout @param {Theme} theme */
export function pointColour(target, layout, theme) {
  if (layout.task === "classification") return theme.palette[target % theme.palette.length];
  return outputKind(layout).valueColour(target, layout, theme);
}

/**
 * One split's points.
 * @param {Context} context @param {Point[]} points
 * @param {Split} split @param {{layout: Layout, theme: Theme, toPixels: ToPixels}} map
 */
export function drawPoints(context, points, split, { layout, theme, toPixels }) {
  const radius = markerRadius(points.length, split);
  const classes = layout.task === "classification";
  context.lineJoin = "round";
  for (const point of points) {
    const [x, y] = toPixels(point.x, point.y);
    const colour = pointColour(point.target, layout, theme);
    context.beginPath();
    traceMarker(context, classes ? point.target : 0, x, y, radius);
    if (split === "train") {
      context.fillStyle = css(colour);
      context.fill();
      context.strokeStyle = css(theme.ring, 0.95);
      context.lineWidth = points.length > 500 ? 0.7 : 1;
    } else {
      // Hollow, with a dark rim, so that it is told from a training point on any ground.
      context.fillStyle = css(theme.zero, 0.85);
      context.fill();
      context.strokeStyle = css(colour);
      context.lineWidth = 1.6;
    }
    context.stroke();
  }
}

/**
 * Rings around the points that the network puts in a wrong class.
 * @param {Context} context @param {Point[]} points @param {Split} split
 * @param {ArrayLike<number> | undefined} predictions @param {{theme: Theme, toPixels: ToPixels}} map
 * @returns {number} how many
 */
export function ringWrong(context, points, split, predictions, { theme, toPixels }) {
  const radius = markerRadius(points.length, split) + 3;
  let wrong = 0;
  context.beginPath();
  for (const point of points) {
    if (!isWrong(point, predictions)) continue;
    const [x, y] = toPixels(point.x, point.y);
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
    wrong += 1;
  }
  context.strokeStyle = css(theme.panel, 0.9);
  context.lineWidth = 3.4;
  context.stroke();
  context.strokeStyle = css(theme.text);
  context.lineWidth = 1.6;
  context.stroke();
  return wrong;
}

/** @param {Point} point @param {ArrayLike<number> | undefined} predictions */
const isWrong = (point, predictions) => point.row !== null && predictions && point.row < predictions.length && predictions[point.row] !== point.target;

/**
 * The point nearest to a position in pixels, at most `reach` away.
 * @param {Point[]} points @param {number} x @param {number} y @param {number} reach @param {ToPixels} toPixels
 */
export function nearestPoint(points, x, y, reach, toPixels) {
  /** @type {Point | null} */
  let best = null;
  let least = reach;
  for (const point of points) {
    const [px, py] = toPixels(point.x, point.y);
    const distance = Math.hypot(px - x, py - y);
    if (distance >= least) continue;
    [best, least] = [point, distance];
  }
  return best;
}

/**
 * Where an arrow key leads: the nearest point within 45 degrees of its direction, where sideways counts double.
 * @param {Point[]} points @param {Point} from @param {[number, number]} direction @param {ToPixels} toPixels
 */
export function nextPoint(points, from, [dx, dy], toPixels) {
  const [x, y] = toPixels(from.x, from.y);
  /** @type {Point | null} */
  let best = null;
  let least = Infinity;
  for (const point of points) {
    if (point === from) continue;
    const [px, py] = toPixels(point.x, point.y);
    const ahead = (px - x) * dx + (py - y) * dy;
    const aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
    if (ahead <= 0 || aside > ahead) continue;
    const cost = ahead + 2 * aside;
    if (cost < least) [best, least] = [point, cost];
  }
  return best;
}

/** A ring with four strokes around the point that is looked at. @param {Context} context @param {number[]} centre @param {Theme} theme */
export function drawAim(context, [x, y], theme) {
  for (const { colour, width } of [{ colour: css(theme.panel, 0.95), width: 6 }, { colour: css(theme.text), width: 2.4 }]) {
    context.beginPath();
    context.arc(x, y, 8.5, 0, 7);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 8.5 * dx, y + 8.5 * dy);
      context.lineTo(x + 13.5 * dx, y + 13.5 * dy);
    }
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }
}
