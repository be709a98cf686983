/** Where everything of the network stands: columns, tiles and links, in CSS pixels of the stage. */

import { INPUTS, unitsIn } from "./items.js";

const PHONE = 620; // room for the drawing on a page that canvas.css makes one column, which scrolls
const TIGHT = 520; // room in which names and pictures become smaller
export const FINGER = 44; // pixels that a finger meets
const SLIM = 30; // width of a mark's own slot
const LANES_APART = 14; // pixels between two branches
const GAP = 8;
const SMALLEST_TILE = 13;
const LARGEST_TILE = 76; // where the screen has room for it
const CLOSEST = 15; // least pitch of units in a network that has to fit on the screen
const ROOM_FOR_MORE = 20; // under a column, for "+N more"
const TILELESS = { left: 0, size: 0, pitch: 0, bottom: 0, units: 0, shown: 0, links: /** @type {Links} */ ("none"), joined: false };
const OFF_ROW = 26; // height of an input feature that is off
/** On a phone: a row of units or features, and so many units of a layer have one each; the drawing would become too high for more. */
const [FINGER_ROW, MOST_ROWS] = [FINGER + 2, 16];
const LEAST_ROW = 24; // height of a unit's row on a phone with more

/**
 * @typedef {{x: number, y: number, size: number, column: number, unit: number}} Tile
 * @typedef {{part: "inputs" | "hidden" | "output" | "mark", address: string, layer: Layer, left: number, size: number, pitch: number,
 *            tiles: Tile[], center: number, width: number, bottom: number, units: number, shown: number, links: Links, sources: Column[],
 *            joined: boolean, skip: Column | null}} Column
 *   `address`: "inputs", or the layer's, as in the names of arrays ("weight/<address>"). A mark has no tiles. `layer`: of the inputs its units only.
 *   `links`: what the links into it say; nothing where the units before are not the ones that it sees. `sources`: from where values come;
 *   `joined` where they are joined on the way; `skip` of a mark that ends branches: the units that go around them.
 */

/** The features that are off; none where the inputs are the data's own. @param {Layout} layout */
export const featuresOff = (layout) => layout.features.filter(({ name }) => !layout.inputs.names.includes(name));

/**
 * @param {Layout} layout of the frame's header
 * @param {number} width room in CSS pixels
 * @param {{labels: number, classes: number}} texts widths of the longest input name and class name
 * @param {number | null} [room] height in CSS pixels; null for as much as it takes
 */
export function arrange(layout, width, texts, room = null) {
  const phone = room === null && width < PHONE;
  const tight = phone || width < TIGHT;
  const [slim, offRow] = phone ? [FINGER, FINGER_ROW] : [SLIM, OFF_ROW];
  const tiled = unitsIn(layout.layers);
  const most = Math.max(layout.inputs.shown, tallest(layout.layers));
  const off = featuresOff(layout);
  const crowded = [layout.inputs, ...tiled].some((layer) => layer.units > layer.shown);
  const rows = Math.max(layout.inputs.shown + off.length, Math.min(most, MOST_ROWS));
  const units = phone ? Math.max(rows * FINGER_ROW, most * LEAST_ROW) : most * (room === null ? 19.5 : CLOSEST);
  const least = units + (crowded ? ROOM_FOR_MORE : 0);
  const height = Math.round(Math.max(room ?? (tight ? 250 : 304), least));
  const thumb = tight ? 42 : 76;
  const labels = Math.min(texts.labels, tight ? 46 : 96) + 14;
  const classes = texts.classes ? Math.min(texts.classes, tight ? 40 : 88) + 14 : 6;
  const usual = layout.layers.length > 9 ? 38 : tight ? 38 : most <= 5 ? 56 : 48;
  const big = room === null ? usual : Math.round(Math.min(LARGEST_TILE, Math.max(usual, room / (1.5 * most))));

  const { units: learned, marks: slims } = longest(layout.layers);
  const left = 4 + thumb + 14 + labels;
  const narrowest = phone ? 2 * FINGER + 4 : 64;
  const fitting = (width - left - classes - 4 - big - slims * slim) / learned;
  const step = Math.max(narrowest, Math.min(190, fitting));
  const used = left + big + classes + 4 + slims * slim + step * learned;
  const stage = Math.max(width, Math.ceil(used));
  // When there is room to spare it goes evenly to both sides.
  let x = left + Math.max(0, (stage - used) / 2);
  const shift = x - left;
  const tileLimit = Math.min(big, step * 0.66);

  /** @type {Column[]} */
  const columns = [];
  /**
   * @param {Column["part"]} part @param {string} address @param {Pick<Layer, "units" | "shown" | "links" | "sources">} layer
   * @param {Lane} lane @param {Column[]} sources @param {boolean} joined
   */
  const addColumn = (part, address, layer, lane, sources, joined) => {
    const reserved = layer.units > layer.shown ? ROOM_FOR_MORE : part === "inputs" ? off.length * offRow : 0;
    const free = lane.height - reserved;
    const single = layer.shown === 1 ? 1.18 : 1;
    const pitch = Math.min(tileLimit * single + (layer.shown > 12 ? 4 : tight ? 12 : 18), free / layer.shown);
    const gap = pitch > 30 ? GAP : Math.max(2.5, pitch * 0.18);
    const size = Math.max(Math.min(SMALLEST_TILE, pitch - 2), Math.round(Math.min(tileLimit * single, pitch - gap)));
    const top = lane.top + (free - pitch * layer.shown) / 2;
    /** @type {Column} */
    const column = {
      part, address, layer: /** @type {Layer} */ (layer), size, pitch, left: x + (big - size) / 2, center: x + big / 2, width: step,
      units: layer.units, shown: layer.shown, bottom: top + pitch * layer.shown, tiles: [], links: linksOf(layer, columns, sources),
      sources, joined, skip: null,
    };
    for (let unit = 0; unit < layer.shown; unit += 1) {
      column.tiles.push({ x: column.left, y: top + pitch * unit + (pitch - size) / 2, size, column: columns.length, unit });
    }
    columns.push(column);
    return column;
  };

  /** Layers one after another; where they hold layers, these in lanes of their own. @param {Layer[]} layers @param {Lane} lane @param {Column[]} sources @returns {Column[]} from where values go on */
  const place = (layers, lane, sources) => {
    let [ends, joined] = [sources, false];
    for (const layer of layers) {
      const before = ends;
      if (layer.branches) {
        const start = x;
        let farthest = x;
        ends = [];
        lanesOf(layer.branches, lane).forEach((own, branch) => {
          x = start;
          const last = place(/** @type {Layer[][]} */ (layer.branches)[branch], own, before);
          if (last !== before) ends.push(...last);
          farthest = Math.max(farthest, x);
        });
        x = farthest;
        if (!ends.length) ends = before;
        joined = true;
      }
      if (layer.drawn === "mark") {
        // It stands in the middle of the gap that it widens.
        const skip = layer.skip && before.length === 1 ? before[0] : null;
        columns.push({ ...TILELESS, part: "mark", address: layer.address, layer, center: x + big / 2 + (step + slim) / 2, width: slim, tiles: [], sources: ends, skip });
        x += slim;
        continue;
      }
      x += step;
      ends = [addColumn(layer === layout.layers.at(-1) ? "output" : "hidden", layer.address, layer, lane, ends, joined)];
      joined = false;
    }
    return ends;
  };

  const whole = { top: 0, height };
  const inputs = addColumn("inputs", INPUTS, layout.inputs, whole, [], false);
  place(layout.layers, whole, [inputs]);
  return {
    columns, height, width: stage, phone, step, big,
    off: off.map((feature, row) => ({ ...feature, y: inputs.bottom + (row + 0.5) * offRow, x: inputs.center })),
    gaps: layout.layers.length > layout.limits.layers ? [] : gapsOf(columns),
    thumb: { x: 4 + shift, y: (height - thumb) / 2, size: thumb },
    labels: { right: left + shift - 7, width: labels - 13, shown: labels > 8 },
    classes: { width: classes - 14 },
    tiled: columns.filter(({ part }) => part !== "mark"),
  };
}

/** Where a branch has its columns. @typedef {{top: number, height: number}} Lane */

/** How many units stand above one another at most. @param {Layer[]} layers @returns {number} */
function tallest(layers) {
  return Math.max(0, ...layers.map((layer) => (layer.branches ? sum(layer.branches.map(tallest)) : layer.drawn === "units" ? layer.shown : 0)));
}

/** How many columns and marks stand side by side at most. @param {Layer[]} layers @returns {{units: number, marks: number}} */
function longest(layers) {
  const found = { units: 0, marks: 0 };
  for (const layer of layers) {
    const ways = (layer.branches ?? []).map(longest);
    found.units += Math.max(0, ...ways.map(({ units }) => units)) + (layer.drawn === "units" ? 1 : 0);
    found.marks += Math.max(0, ...ways.map(({ marks }) => marks)) + (layer.drawn === "units" ? 0 : 1);
  }
  return found;
}

/** @param {number[]} values */
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** The lanes of branches, each as high as it has units. @param {Layer[][]} branches @param {Lane} lane @returns {Lane[]} */
function lanesOf(branches, { top, height }) {
  const shares = branches.map(tallest);
  const all = Math.max(1, sum(shares));
  const gap = shares.filter(Boolean).length > 1 ? LANES_APART : 0;
  let at = top;
  return shares.map((share) => {
    const own = { top: at + gap / 2, height: (height * share) / all - gap };
    at += (height * share) / all;
    return own;
  });
}

/** What the links into a layer say, after these columns. @param {{links?: Links, sources?: number}} layer @param {Column[]} columns @param {Column[]} from the columns that it sees @returns {Links} */
function linksOf({ links = "weights", sources }, columns, from) {
  const before = columns.filter(({ part }) => part !== "mark").at(-1);
  return from.length === 1 && from[0] === before && (sources === undefined || sources === before.units) ? links : "none";
}

/** The column of an address that has tiles. @param {Pick<Geometry, "tiled">} geometry @param {string} address */
export const columnAt = ({ tiled }, address) => /** @type {Column} */ (tiled.find((column) => column.address === address));

/** The column whose units a column's weights weigh. @param {Pick<Geometry, "tiled">} geometry @param {Column} column */
export const columnBefore = ({ tiled }, column) => tiled[tiled.indexOf(column) - 1];

/** Where a layer can come between two others, with the address that it will have. @param {Column[]} columns @returns {{at: string, after: Column, x: number}[]} */
function gapsOf(columns) {
  const found = [];
  for (let k = 0; k + 1 < columns.length; k += 1) {
    const [after, next] = [columns[k], columns[k + 1]];
    // Within a branch layers come and go by the recipe.
    if (after.part === "mark" || after.address.includes(".")) continue;
    found.push({ at: next.address.split(".")[0], after, x: (after.center + next.center) / 2 });
  }
  return found;
}

/**
 * How far along the gap (0..1) a link's curve is at parameter t: the x of a cubic with its control points at the middle.
 * @param {number} t
 */
const along = (t) => 1.5 * t * (1 - t) + t ** 3;

/** The parameter t at which a link has come a share `x` of the gap. @param {number} x 0..1 */
function parameterAt(x) {
  let [low, high] = [0, 1];
  for (let i = 0; i < 24; i += 1) {
    const middle = (low + high) / 2;
    if (along(middle) < x) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * The link nearest to a point, at most `reach` pixels away.
 * @param {Geometry} geometry @param {number} x @param {number} y
 * @returns {{address: string, from: number, to: number} | null}
 */
export function nearestLink(geometry, x, y, reach = 5) {
  for (let k = 1; k < geometry.tiled.length; k += 1) {
    const [source, target] = [geometry.tiled[k - 1], geometry.tiled[k]];
    if (target.links !== "weights") continue;
    const x0 = source.left + source.size;
    const share = (x - x0) / (target.left - x0);
    if (share <= 0 || share >= 1) continue;
    const t = parameterAt(share);
    const eased = t * t * (3 - 2 * t);
    let best = null;
    let distance = reach;
    for (const to of target.tiles) {
      for (const from of source.tiles) {
        const y0 = from.y + from.size / 2;
        const away = Math.abs(y0 + (to.y + to.size / 2 - y0) * eased - y);
        if (away < distance) {
          distance = away;
          best = { address: target.address, from: from.unit, to: to.unit };
        }
      }
    }
    return best;
  }
  return null;
}
