/** A run in small: what it answers over the plane with the training points, its network, and where two runs differ. */

import { css, mix } from "../canvas/colours.js";
import { contextOf } from "../canvas/context.js";
import { outputKind, unitKind } from "../canvas/kinds.js";
import { INPUTS } from "../canvas/network/items.js";
import { bytesOf, mapOf } from "../canvas/output/unit.js";
import { pointColour } from "../canvas/output/points.js";

const MOST_UNITS = 12; // of a column
const MOST_POINTS = 300;

/** Where a tile stands. @typedef {(column: number, unit: number) => {x: number, y: number}} PositionOf */

/**
 * A canvas as large as it stands on the page, in device pixels.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 * @returns {[Context, number, number]}
 */
export function prepared(canvas, width, height) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return [context, width, height];
}

/**
 * The output with the training points.
 * @param {Context} context @param {number} size @param {Moment} moment
 * @param {Theme} theme
 */
export function drawOutput(context, size, { layout, constants, arrays }, theme) {
  context.fillStyle = css(theme.zero);
  context.fillRect(0, 0, size, size);
  outputKind(layout).drawSmall(context, size, { layout, constants, arrays }, theme);
  drawPoints(context, size, layout, constants, theme);
}

/** @param {Context} context @param {number} size @param {Layout} layout @param {Arrays} constants @param {Theme} theme */
function drawPoints(context, size, layout, constants, theme) {
  const [points, targets] = [constants["points/train"], constants["points/train_target"]];
  if (!targets) return; // Rows that are no points: the picture has shown them.
  const { x: [x0, x1], y: [y0, y1] } = outputKind(layout).spanned(layout.output);
  for (let i = 0; i < Math.min(targets.length, MOST_POINTS); i += 1) {
    context.beginPath();
    context.arc(((points[2 * i] - x0) / (x1 - x0)) * size, (1 - (points[2 * i + 1] - y0) / (y1 - y0)) * size, 1.9, 0, 7);
    context.fillStyle = css(pointColour(targets[i], layout, theme));
    context.fill();
    context.strokeStyle = css(theme.text, 0.55);
    context.lineWidth = 0.5;
    context.stroke();
  }
}

/** The network: a tile for each unit (its own map where it has one), a line for each weight. */
export class SmallNetwork {
  constructor() {
    /** Of each column. @type {Map<string, TilePainter>} */
    this.painters = new Map();
  }

  /**
   * @param {Context} context @param {number} width @param {number} height
   * @param {Moment} moment @param {Theme} theme
   */
  draw(context, width, height, { layout, constants, arrays }, theme) {
    context.clearRect(0, 0, width, height);
    const learned = layout.layers.filter(({ drawn }) => drawn === "units");
    const shown = [layout.inputs, ...learned].map((layer) => Math.min(layer.shown, MOST_UNITS));
    const tallest = Math.max(...shown);
    const size = Math.max(6, Math.min(26, height / tallest - 3, (width / shown.length) * 0.6));
    const across = (width - size - 2) / (shown.length - 1);
    /** @type {PositionOf} */
    const positionOf = (column, unit) => ({
      x: 1 + column * across, y: height / 2 + (unit - (shown[column] - 1) / 2) * Math.min(size + 8, height / tallest) - size / 2,
    });
    for (let column = 1; column < shown.length; column += 1) {
      const weight = arrays[`weight/${learned[column - 1].address}`];
      const { links = "weights", sources = shown[column - 1] } = learned[column - 1];
      if (!weight || links !== "weights" || Math.min(sources, MOST_UNITS) !== shown[column - 1]) {
        drawRibbon(context, positionOf, column, shown, size, theme);
        continue;
      }
      const inputs = weight.shape[1];
      for (let unit = 0; unit < shown[column]; unit += 1) {
        for (let input = 0; input < shown[column - 1]; input += 1) {
          const value = weight[unit * inputs + input];
          const strength = Math.min(1, Math.abs(value));
          const [from, to] = [positionOf(column - 1, input), positionOf(column, unit)];
          const middle = (from.x + size + to.x) / 2;
          context.beginPath();
          context.moveTo(from.x + size, from.y + size / 2);
          context.bezierCurveTo(middle, from.y + size / 2, middle, to.y + size / 2, to.x, to.y + size / 2);
          context.strokeStyle = css(mix(theme.line, value < 0 ? theme.negative : theme.positive, 0.25 + 0.75 * strength), 0.5 + 0.5 * strength);
          context.lineWidth = Math.max(0.4, Math.min(4, 1.6 * Math.sqrt(Math.abs(value))));
          context.stroke();
        }
      }
    }
    const addresses = [INPUTS, ...learned.map(({ address }) => address)];
    addresses.forEach((address, column) => {
      const bytes = bytesOf(address, constants, arrays);
      this.drawTiles(context, layout, address, bytes, theme, shown[column], size, (unit) => positionOf(column, unit));
    });
  }

  /**
   * The tiles of one column.
   * @param {Context} context @param {Layout} layout @param {string} address @param {Values | undefined} bytes
   * @param {Theme} theme @param {number} units @param {number} size @param {(unit: number) => {x: number, y: number}} positionOf
   */
  drawTiles(context, layout, address, bytes, theme, units, size, positionOf) {
    const map = mapOf(layout, address);
    const kind = unitKind(layout, address);
    const key = `${address} ${JSON.stringify(map)}`;
    const tiles = this.painters.get(key) ?? kind.tiles();
    this.painters.set(key, tiles);
    if (kind.small && bytes) {
      tiles.prepare(units, map, size * 2);
      tiles.write(bytes, units, 0, theme);
      tiles.ready();
    }
    for (let unit = 0; unit < units; unit += 1) {
      const { x, y } = positionOf(unit);
      context.beginPath();
      context.roundRect(x, y, size, size, size * 0.13);
      context.fillStyle = css(theme.zero);
      context.fill();
      if (kind.small && bytes) tiles.draw(context, unit, x, y, size, theme);
      context.beginPath();
      context.roundRect(x, y, size, size, size * 0.13);
      context.strokeStyle = css(theme.text, 0.35);
      context.lineWidth = 1;
      context.stroke();
    }
  }
}

/**
 * That one column goes into the next, where no link is a weight.
 * @param {Context} context @param {PositionOf} positionOf @param {number} column @param {number[]} shown @param {number} size @param {Theme} theme
 */
function drawRibbon(context, positionOf, column, shown, size, theme) {
  const [a, b, c, d] = [positionOf(column - 1, 0), positionOf(column - 1, shown[column - 1] - 1), positionOf(column, 0), positionOf(column, shown[column] - 1)];
  const middle = (a.x + size + c.x) / 2;
  context.beginPath();
  context.moveTo(a.x + size, a.y);
  context.bezierCurveTo(middle, a.y, middle, c.y, c.x, c.y);
  context.lineTo(d.x, d.y + size);
  context.bezierCurveTo(middle, d.y + size, middle, b.y + size, b.x + size, b.y + size);
  context.closePath();
  context.fillStyle = css(theme.muted, 0.12);
  context.fill();
}

/** Whether two runs that answer to rows of the data answer to the same ones. @param {Moment} a @param {Moment} b */
function haveSameRows(a, b) {
  const [one, other] = [a, b].map(({ constants }) => constants?.["examples/test"] ?? []);
  return one.length === other.length && Array.prototype.every.call(one, (value, i) => value === other[i]);
}

/**
 * Where two runs answer differently.
 * @param {Moment} a @param {Moment} b
 * @returns {{share: number, words: string, differs: (i: number) => boolean} | null} null when they answer over different planes
 */
export function difference(a, b) {
  /** @param {Pick<Moment, "layout">} moment */
  const mapOf = ({ layout: { output, task } }) => JSON.stringify([task, output.kind, output.rows, output.columns, output.x_range, output.y_range]);
  if (mapOf(a) !== mapOf(b) || !haveSameRows(a, b)) return null;
  const [one, other] = [a, b].map(({ layout, arrays }) => outputKind(layout).answers(layout, arrays));
  /** @param {number} i */
  const differs = (i) => Math.abs(one.at(i) - other.at(i)) > one.apart;
  let found = 0;
  for (let i = 0; i < one.count; i += 1) if (differs(i)) found += 1;
  return { share: found / one.count, words: one.share, differs };
}

/**
 * The map of a difference: hatched where they differ, the first one's answer in pale where they agree.
 * @param {Context} context @param {number} size @param {Moment} a @param {Moment} b
 * @param {(i: number) => boolean} differs @param {Theme} theme @param {[Rgb, Rgb]} colours
 */
export function drawDifference(context, size, a, b, differs, theme, colours) {
  context.fillStyle = css(theme.zero);
  context.fillRect(0, 0, size, size);
  outputKind(a.layout).drawDifference(context, size, a, b, differs, theme, colours);
}
