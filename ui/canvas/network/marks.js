/** Marks on tiles, told by their shape: biases, frozen (a lock), silenced (crossed out), units that do nothing (a badge with the reason). */

import { css, mix } from "../colours.js";

const SMALL = 22; // pixels of a tile: below, a badge is a corner

/** Colour of a weight or bias: zero fades into the background. @param {number} weight @param {Theme} theme */
export function shadeOf(weight, theme) {
  return mix(theme.line, weight < 0 ? theme.negative : theme.positive, Math.min(1, 0.25 + Math.abs(weight) * 1.2));
}

/**
 * Biases: a dot at the lower left of each tile; a square where it is frozen.
 * @param {Context} context @param {Geometry} geometry @param {Arrays} arrays @param {Theme} theme
 */
export function drawBiases(context, geometry, arrays, theme) {
  for (const column of geometry.tiled.slice(1)) {
    const bias = arrays[`bias/${column.address}`];
    if (!bias) continue; // Its units have none.
    const frozen = arrays[`frozen_bias/${column.address}`];
    const radius = Math.max(1.6, Math.min(4.5, column.size * 0.1));
    context.strokeStyle = css(theme.panel);
    context.lineWidth = radius > 2 ? 1.2 : 0.6;
    for (const tile of column.tiles) {
      const y = tile.y + tile.size - radius;
      context.beginPath();
      if (frozen?.[tile.unit]) context.rect(tile.x - radius, y - radius, 2 * radius, 2 * radius);
      else context.arc(tile.x, y, radius, 0, 7);
      context.fillStyle = css(shadeOf(bias[tile.unit], theme));
      context.fill();
      context.stroke();
    }
  }
}

/**
 * A unit is frozen when all that comes into it is.
 * @param {Arrays} arrays @param {string} address of its layer @param {number} unit @param {number} inputs
 */
export function isFrozen(arrays, address, unit, inputs) {
  const [weights, bias] = [arrays[`frozen/${address}`], arrays[`frozen_bias/${address}`]];
  if (!weights || !bias?.[unit]) return false;
  const width = weights.shape?.[1] ?? inputs; // More than the units that are drawn, where each of these has several values.
  for (let input = 0; input < width; input += 1) if (!weights[unit * width + input]) return false;
  return true;
}

/**
 * Everything that is marked on tiles.
 * @param {Context} context @param {Geometry} geometry @param {Arrays} arrays @param {Theme} theme
 * @param {boolean} dead whether units that do nothing are marked
 */
export function drawMarks(context, geometry, arrays, theme, dead) {
  for (let k = 1; k < geometry.tiled.length; k += 1) {
    const column = geometry.tiled[k];
    const [silenced, health] = [arrays[`silenced/${column.address}`], dead ? arrays[`health/${column.address}`] : null];
    const anyFrozen = arrays[`frozen/${column.address}`] !== undefined;
    if (!silenced && !health && !anyFrozen) continue;
    for (const tile of column.tiles) {
      if (silenced?.[tile.unit]) drawCross(context, tile, theme);
      if (health?.[tile.unit]) drawBadge(context, tile, health[tile.unit], theme);
      if (anyFrozen && isFrozen(arrays, column.address, tile.unit, geometry.tiled[k - 1].shown)) drawTileLock(context, tile, theme);
    }
  }
}

/** @param {Context} context @param {Tile} tile @param {Theme} theme */
function drawCross(context, tile, theme) {
  const { x, y, size } = tile;
  context.beginPath();
  context.roundRect(x, y, size, size, size * 0.13);
  context.fillStyle = css(theme.panel, 0.74);
  context.fill();
  const edge = size * 0.2;
  context.beginPath();
  context.moveTo(x + edge, y + edge);
  context.lineTo(x + size - edge, y + size - edge);
  context.moveTo(x + size - edge, y + edge);
  context.lineTo(x + edge, y + size - edge);
  context.strokeStyle = css(theme.text, 0.75);
  context.lineWidth = Math.max(1.2, size * 0.045);
  context.lineCap = "round";
  context.stroke();
}

/** @param {Context} context @param {Tile} tile @param {Theme} theme */
function drawTileLock(context, tile, theme) {
  if (tile.size < SMALL) drawCorner(context, tile.x, tile.y, Math.max(5, tile.size * 0.42), 1, theme);
  else drawLock(context, tile.x + 1, tile.y + 1, Math.min(8.5, tile.size * 0.2), theme);
}

/**
 * A triangle over a corner of a small tile.
 * @param {Context} context @param {number} x @param {number} y @param {number} reach
 * @param {number} side 1 for the left upper corner, -1 for the right one @param {Theme} theme
 */
function drawCorner(context, x, y, reach, side, theme) {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + side * reach, y);
  context.lineTo(x, y + reach);
  context.closePath();
  context.fillStyle = css(theme.text);
  context.fill();
}

/** @param {Context} context @param {number} x @param {number} y @param {number} radius @param {Theme} theme */
function disc(context, x, y, radius, theme) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = css(theme.panel);
  context.fill();
  context.strokeStyle = css(theme.text, 0.85);
  context.lineWidth = 1.2;
  context.stroke();
}

/**
 * A padlock in a disc.
 * @param {Context} context @param {number} x @param {number} y @param {number} radius @param {Theme} theme
 */
export function drawLock(context, x, y, radius, theme) {
  disc(context, x, y, radius, theme);
  const unit = radius / 8;
  context.fillStyle = css(theme.text);
  context.fillRect(x - 3.4 * unit, y - 0.8 * unit, 6.8 * unit, 4.8 * unit);
  context.beginPath();
  context.moveTo(x - 2.1 * unit, y - 0.8 * unit);
  context.bezierCurveTo(x - 2.1 * unit, y - 5.4 * unit, x + 2.1 * unit, y - 5.4 * unit, x + 2.1 * unit, y - 0.8 * unit);
  context.lineWidth = Math.max(0.9, 1.5 * unit);
  context.strokeStyle = css(theme.text);
  context.stroke();
}

/**
 * Why a unit does nothing: 1 a slash (never active), 2 an upper stop (saturated), 3 a level line (the same for all).
 * @param {Context} context @param {Tile} tile @param {number} code @param {Theme} theme
 */
function drawBadge(context, tile, code, theme) {
  if (tile.size < SMALL) {
    drawCorner(context, tile.x + tile.size, tile.y, Math.max(5, tile.size * 0.42), -1, theme);
    return;
  }
  const radius = Math.min(8.5, tile.size * 0.2);
  const [x, y, unit] = [tile.x + tile.size - 1, tile.y + 1, radius / 8];
  disc(context, x, y, radius, theme);
  const lines = {
    1: [[-3.2, 3.2, 3.2, -3.2]],
    2: [[-3.6, -3, 3.6, -3], [0, 4, 0, -1.6], [-2.2, 0.6, 0, -1.6], [2.2, 0.6, 0, -1.6]],
    3: [[-3.4, -1.6, 3.4, -1.6], [-3.4, 1.6, 3.4, 1.6]],
  }[code];
  context.beginPath();
  for (const [x0, y0, x1, y1] of lines ?? []) {
    context.moveTo(x + x0 * unit, y + y0 * unit);
    context.lineTo(x + x1 * unit, y + y1 * unit);
  }
  context.strokeStyle = css(theme.text);
  context.lineWidth = Math.max(1, 1.6 * unit);
  context.stroke();
}
