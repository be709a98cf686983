/** Links between units: smooth curves, width by the weight's size, colour and pattern by its sign; many of them as bundles. */

import { css } from "../colours.js";
import { drawLock, shadeOf } from "./marks.js";

const FULL = 3; // a weight of this size has the greatest width
const MOST_LINKS = 2000; // beyond this only the strongest are drawn by themselves ...
const STRONGEST = 700; // ... and so many of them; the others are a band between the two layers
const MOST_DASHED = 900; // patterns cannot be told apart among more
const MOST_LOCKS = 150;
const DECADES = 4; // of gradients, from the widest link to the thinnest
const FAINT = 0.14; // of a link's strength, where a unit is silenced

/** What a person chose to see. @typedef {{signs: boolean, gradients: boolean}} Shows */
export const USUAL = { signs: true, gradients: false };

/**
 * How a link is drawn: its strength (0..1) and its width. A gradient counts by its order of magnitude, so that small ones are seen too.
 * @param {number} value @param {number} widest @param {number | null} largest
 */
function styleOf(value, widest, largest) {
  if (largest === null) return { strength: Math.min(1, Math.abs(value)), width: Math.max(0.35, widest * Math.min(1, Math.sqrt(Math.abs(value) / FULL))) };
  const strength = value === 0 || largest === 0 ? 0 : Math.max(0, 1 + Math.log10(Math.abs(value) / largest) / DECADES);
  return { strength, width: Math.max(0.35, widest * strength ** 1.5) };
}

/** @param {Column} source @param {Column} target */
const widestOf = (source, target) => Math.max(1.2, Math.min(8, 0.22 * Math.max(source.size, target.size)));

/**
 * What the links show: weights, or the last gradient where it has come; null where none is a weight.
 * @param {Arrays} arrays @param {Column} column @param {Shows} shows
 */
function valuesOf(arrays, { address, links }, shows) {
  if (links !== "weights") return null;
  return (shows.gradients && arrays[`gradient/${address}`]) || arrays[`weight/${address}`];
}

/** The columns into which each link is a weight. @param {Pick<Geometry, "tiled">} geometry */
const weighed = ({ tiled }) => tiled.slice(1).filter(({ links }) => links === "weights");

/** Numbers of the links into a column that is looked at: weights, sums of kernels, means; null where there are none. @param {Arrays} arrays @param {Column} column @returns {Values | null} */
export function linkValues(arrays, { address, links }) {
  if (links === "weights") return arrays[`weight/${address}`];
  return (links === "sums" || links === "means" ? arrays[`links/${address}`] : null) ?? null;
}

/**
 * The largest gradient of the whole network, so that layers can be compared; null while weights are shown.
 * @param {Geometry} geometry @param {Arrays} arrays @param {Shows} shows
 */
export function largestGradient(geometry, arrays, shows) {
  const columns = weighed(geometry);
  if (!shows.gradients || !columns.length || !arrays[`gradient/${columns[0].address}`]) return null;
  let largest = 0;
  for (const column of columns) for (const value of arrays[`gradient/${column.address}`]) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/** @param {Geometry} geometry @param {Arrays} arrays */
const countLinks = (geometry, arrays) => weighed(geometry).reduce((sum, column) => sum + arrays[`weight/${column.address}`].length, 0);

/** Whether negative links are broken lines. @param {Geometry} geometry @param {Arrays} arrays @param {Shows} shows */
export const tellsSigns = (geometry, arrays, shows) => shows.signs && countLinks(geometry, arrays) <= MOST_DASHED;

/**
 * One link on its own: of the unit that is looked at, or the one that is.
 * @param {Context} context @param {Tile} from @param {Tile} to @param {number} weight @param {Theme} theme
 */
export function drawLink(context, from, to, weight, theme, shows = USUAL) {
  const width = Math.max(1, styleOf(weight, 8, null).width) * theme.stroke;
  context.beginPath();
  trace(context, from, to);
  context.lineWidth = width;
  context.strokeStyle = css(shadeOf(weight, theme));
  if (shows.signs && weight < 0) context.setLineDash(dashOf(width));
  context.stroke();
  context.setLineDash([]);
}

/**
 * A rim along a link that is looked at.
 * @param {Context} context @param {Tile} from @param {Tile} to @param {number} weight @param {Theme} theme
 */
export function drawRim(context, from, to, weight, theme) {
  context.beginPath();
  trace(context, from, to);
  context.lineWidth = Math.max(1, styleOf(weight, 8, null).width) + 6;
  context.strokeStyle = css(theme.text, 0.22);
  context.stroke();
}

/** @param {number} width */
const dashOf = (width) => [4 + 1.6 * width, 2.5 + 1.1 * width];

/** @param {Context} context @param {Tile} from @param {Tile} to */
function trace(context, from, to) {
  const [x0, y0, x1, y1] = [from.x + from.size, from.y + from.size / 2, to.x, to.y + to.size / 2];
  const middle = (x0 + x1) / 2;
  context.moveTo(x0, y0);
  context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
}

/**
 * All links of a frame. Thin ones first, so that what matters lies on top.
 * @param {Context} context @param {Geometry} geometry @param {Arrays} arrays @param {Theme} theme @param {number} ratio
 * @param {Shows} shows
 * @returns {number} how many were drawn
 */
export function drawLinks(context, geometry, arrays, theme, ratio, shows = USUAL) {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, geometry.width, geometry.height);
  const total = countLinks(geometry, arrays);
  const largest = largestGradient(geometry, arrays, shows);
  const share = total > MOST_LINKS ? STRONGEST / total : 1;
  const dashed = tellsSigns(geometry, arrays, shows);
  let drawn = 0;
  for (let k = 1; k < geometry.tiled.length; k += 1) {
    const [source, target] = [geometry.tiled[k - 1], geometry.tiled[k]];
    const values = valuesOf(arrays, target, shows);
    if (!values) {
      for (const from of target.sources) drawRibbon(context, from, target, theme);
      continue;
    }
    // A small layer loses no link for the sake of the large ones.
    const least = share < 1 && values.length > 64 ? strongest(values, share) : 0;
    if (least > 0) drawBand(context, source, target, values, theme, largest);
    const widest = widestOf(source, target);
    const order = [];
    for (let i = 0; i < values.length; i += 1) if (Math.abs(values[i]) >= least) order.push(i);
    drawn += order.length;
    if (order.length <= 300) order.sort((a, b) => Math.abs(values[a]) - Math.abs(values[b]));
    const [quietFrom, quietTo] = [arrays[`silenced/${source.address}`], arrays[`silenced/${target.address}`]];
    for (const i of order) {
      const [from, to] = [i % source.shown, (i / source.shown) | 0];
      const { strength, width: usual } = styleOf(values[i], widest, largest);
      const width = usual * theme.stroke;
      context.beginPath();
      trace(context, source.tiles[from], target.tiles[to]);
      context.lineWidth = width;
      const alpha = (quietFrom?.[from] || quietTo?.[to] ? FAINT : 1) * (theme.strong ? 0.7 + 0.3 * strength : 0.45 + 0.5 * strength);
      context.strokeStyle = css(largest === null ? shadeOf(values[i], theme) : shadeOf(Math.sign(values[i]) * strength, theme), alpha);
      const broken = dashed && values[i] < 0;
      if (broken) context.setLineDash(dashOf(width));
      context.stroke();
      if (broken) context.setLineDash([]);
    }
    drawLocks(context, source, target, arrays, theme);
  }
  return drawn;
}

/**
 * That one layer goes into the next, where no link is a weight: a thread a unit where each unit sees its own, else one calm ribbon.
 * @param {Context} context @param {Column} source @param {Column} target @param {Theme} theme
 */
function drawRibbon(context, source, target, theme) {
  if (target.links === "each") {
    context.strokeStyle = css(theme.muted, 0.45);
    context.lineWidth = 1.2 * theme.stroke;
    context.beginPath();
    for (const tile of target.tiles) if (source.tiles[tile.unit]) trace(context, source.tiles[tile.unit], tile);
    context.stroke();
    return;
  }
  outline(context, source, target);
  context.fillStyle = css(theme.muted, 0.09);
  context.fill();
}

/**
 * All links of a gap that are too weak to be drawn by themselves: one band, the stronger the larger they are on average.
 * @param {Context} context @param {Column} source @param {Column} target @param {Values} values @param {Theme} theme
 * @param {number | null} largest
 */
function drawBand(context, source, target, values, theme, largest) {
  let sum = 0;
  for (const value of values) sum += largest === null ? Math.min(1, Math.abs(value)) : styleOf(value, 1, largest).strength;
  outline(context, source, target);
  context.fillStyle = css(theme.muted, 0.05 + 0.3 * Math.min(1, sum / values.length));
  context.fill();
}

/** The whole of a gap. @param {Context} context @param {Column} source @param {Column} target */
function outline(context, source, target) {
  const [first, last] = [source.tiles[0], source.tiles[source.tiles.length - 1]];
  const [top, bottom] = [target.tiles[0], target.tiles[target.tiles.length - 1]];
  const [x0, x1] = [first.x + first.size, top.x];
  const middle = (x0 + x1) / 2;
  context.beginPath();
  context.moveTo(x0, first.y);
  context.bezierCurveTo(middle, first.y, middle, top.y, x1, top.y);
  context.lineTo(x1, bottom.y + bottom.size);
  context.bezierCurveTo(middle, bottom.y + bottom.size, middle, last.y + last.size, x0, last.y + last.size);
  context.closePath();
}

/**
 * A lock on each frozen link; where all of a unit is frozen its tile has one.
 * @param {Context} context @param {Column} source @param {Column} target @param {Arrays} arrays @param {Theme} theme
 */
function drawLocks(context, source, target, arrays, theme) {
  const frozen = arrays[`frozen/${target.address}`];
  if (!frozen || source.size < 18) return;
  const pairs = [];
  for (const to of target.tiles) {
    const row = source.tiles.filter((from) => frozen[to.unit * source.shown + from.unit]);
    if (row.length < source.shown) pairs.push(...row.map((from) => [from, to]));
  }
  if (pairs.length > MOST_LOCKS) return;
  for (const [from, to] of pairs) drawLinkLock(context, from, to, theme);
}

/** A lock on the middle of a link. @param {Context} context @param {Tile} from @param {Tile} to @param {Theme} theme */
export function drawLinkLock(context, from, to, theme) {
  drawLock(context, (from.x + from.size + to.x) / 2, (from.y + from.size / 2 + to.y + to.size / 2) / 2, 6.5, theme);
}

/** The size that only a share of the values reaches. @param {Values} values @param {number} share */
function strongest(values, share) {
  const sizes = Float32Array.from(values, Math.abs).sort();
  return sizes[Math.max(0, Math.floor(sizes.length * (1 - share)))];
}
