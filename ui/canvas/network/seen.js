/** What is looked at, drawn over the network: a frame around a unit, its links, or one link. */

import { columnAt, columnBefore } from "./geometry.js";
import { drawLink, drawLinkLock, drawRim, linkValues } from "./links.js";

/** @param {Context} context @param {Tile} tile @param {string} colour @param {number} width */
export function drawFrame(context, tile, colour, width) {
  const out = width / 2 + 0.5;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.roundRect(tile.x - out, tile.y - out, tile.size + 2 * out, tile.size + 2 * out, tile.size * 0.13 + out);
  context.stroke();
}

/**
 * The links into and out of a unit, above all others.
 * @param {Context} context @param {Network} network @param {Selected} selected @param {Arrays} arrays
 */
export function drawSelectedLinks(context, { geometry, theme, shows }, { column, unit, address }, arrays) {
  const at = geometry.tiled.indexOf(column);
  const [before, after] = [geometry.tiled[at - 1], geometry.tiled[at + 1]];
  context.globalAlpha = arrays[`silenced/${address}`]?.[unit] ? 0.3 : 1;
  /** @param {Tile} from @param {Tile} to @param {number} weight */
  const draw = (from, to, weight) => drawLink(context, from, to, weight, theme, shows);
  const [into, out] = [before && linkValues(arrays, column), after && linkValues(arrays, after)];
  if (into) for (const tile of before.tiles) draw(tile, column.tiles[unit], into[unit * before.shown + tile.unit]);
  if (out) for (const tile of after.tiles) draw(column.tiles[unit], tile, out[tile.unit * column.shown + unit]);
  context.globalAlpha = 1;
}

/** @param {Context} context @param {Network} network @param {import("./items.js").LinkItem} link @param {Arrays} arrays */
export function drawSeenLink(context, network, { address, unit, input }, arrays) {
  const target = columnAt(network.geometry, address);
  const source = columnBefore(network.geometry, target);
  const at = unit * source.shown + input;
  /** @type {[Tile, Tile]} */
  const ends = [source.tiles[input], target.tiles[unit]];
  drawRim(context, ...ends, arrays[`weight/${address}`][at], network.theme);
  drawLink(context, ...ends, arrays[`weight/${address}`][at], network.theme, network.shows);
  if (arrays[`frozen/${address}`]?.[at]) drawLinkLock(context, ...ends, network.theme);
}
