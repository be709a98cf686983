/** Lines of equal value over a map of bytes, and borders between its classes (marching squares: Lorensen and Cline, 1987, in two dimensions). */

import { ticks } from "../axes.js";
import { css } from "../colours.js";

/** @typedef {{x: number, y: number, beside: Joint[]}} Joint  where lines meet */

const SHARES = [0.1, 0.25, 0.5, 0.75, 0.9];
const CERTAIN = 0.75;
const SMOOTHINGS = 4;
/** @type {number[]} */
const NO_DASH = [];

/**
 * Segments [x0, y0, x1, y1, ...] of a level line, in cells of the map.
 * @param {ArrayLike<number>} values rows of `columns` @param {number} rows @param {number} columns @param {number} level
 * @param {number} start index of the first
 */
export function isoline(values, rows, columns, level, start = 0) {
  /** @type {number[]} */
  const segments = [];
  for (let row = 0; row < rows - 1; row += 1) {
    let at = start + row * columns;
    for (let column = 0; column < columns - 1; column += 1, at += 1) {
      const [a, b, c, d] = [values[at], values[at + 1], values[at + columns + 1], values[at + columns]];
      const corners = (a >= level ? 8 : 0) | (b >= level ? 4 : 0) | (c >= level ? 2 : 0) | (d >= level ? 1 : 0);
      if (corners === 0 || corners === 15) continue;
      const [x, y] = [column + 0.5, row + 0.5]; // values stand at the middles of cells
      /** @typedef {() => [number, number]} Crossing */
      /** @type {Crossing} */
      const top = () => [x + (level - a) / (b - a), y];
      /** @type {Crossing} */
      const right = () => [x + 1, y + (level - b) / (c - b)];
      /** @type {Crossing} */
      const bottom = () => [x + (level - d) / (c - d), y + 1];
      /** @type {Crossing} */
      const left = () => [x, y + (level - a) / (d - a)];
      /** @param {[number, number]} p @param {[number, number]} q */
      const line = (p, q) => segments.push(p[0], p[1], q[0], q[1]);
      switch (corners) {
        case 1: case 14: line(left(), bottom()); break;
        case 2: case 13: line(bottom(), right()); break;
        case 3: case 12: line(left(), right()); break;
        case 4: case 11: line(top(), right()); break;
        case 6: case 9: line(top(), bottom()); break;
        case 7: case 8: line(left(), top()); break;
        default: {
          // A saddle: the middle says which two corners belong together.
          const high = (a + b + c + d) / 4 >= level;
          if ((corners === 5) === high) {
            line(left(), top());
            line(bottom(), right());
          } else {
            line(top(), right());
            line(left(), bottom());
          }
        }
      }
    }
  }
  return segments;
}

/**
 * Segments between cells of different classes: through the middles between them, then drawn straight, so that slopes are no stairs.
 * @param {ArrayLike<number>} kinds @param {number} rows @param {number} columns
 */
export function borders(kinds, rows, columns) {
  /** @type {[Joint, Joint][]} */
  const links = [];
  /** @type {Map<number, Joint>} */
  const nodes = new Map(); // by position on a grid of half cells
  /** @param {number} x @param {number} y */
  const node = (x, y) => {
    const key = 4 * columns * y + 2 * x;
    const found = nodes.get(key) ?? { x, y, beside: [] };
    nodes.set(key, found);
    return found;
  };
  /** @param {Joint} one @param {Joint} other */
  const link = (one, other) => {
    one.beside.push(other);
    other.beside.push(one);
    links.push([one, other]);
  };
  for (let row = 0; row < rows - 1; row += 1) {
    let at = row * columns;
    for (let column = 0; column < columns - 1; column += 1, at += 1) {
      const [a, b, c, d] = [kinds[at], kinds[at + 1], kinds[at + columns + 1], kinds[at + columns]];
      if (a === b && b === c && c === d) continue;
      const [x, y] = [column + 0.5, row + 0.5];
      const crossings = [];
      if (a !== b) crossings.push(node(x + 0.5, y));
      if (b !== c) crossings.push(node(x + 1, y + 0.5));
      if (c !== d) crossings.push(node(x + 0.5, y + 1));
      if (d !== a) crossings.push(node(x, y + 0.5));
      if (crossings.length === 2) link(crossings[0], crossings[1]);
      else for (const crossing of crossings) link(crossing, node(x + 0.5, y + 0.5));
    }
  }
  for (let i = 0; i < SMOOTHINGS; i += 1) smooth([...nodes.values()]);
  return links.flatMap(([one, other]) => [one.x, one.y, other.x, other.y]);
}

/** Each node of a line half the way to the middle of its two neighbours; ends and forks stay. @param {Joint[]} nodes */
function smooth(nodes) {
  const moved = nodes.map(({ x, y, beside }) => (beside.length === 2
    ? [(2 * x + beside[0].x + beside[1].x) / 4, (2 * y + beside[0].y + beside[1].y) / 4] : [x, y]));
  nodes.forEach((node, i) => { [node.x, node.y] = moved[i]; });
}

/**
 * All lines of one picture.
 * @param {Context} context @param {{x: number, y: number, size: number}} box @param {Arrays} arrays of the frame @param {Layout} layout
 * @param {Theme} theme @param {{unit: number, bytes: ArrayLike<number>} | null} unit that is looked at
 */
export function drawContours(context, box, arrays, layout, theme, unit) {
  const { rows, columns } = unit ? layout.map : layout.output;
  const scale = [box.size / columns, box.size / rows];
  /** @param {number[]} segments @param {number} width */
  const draw = (segments, width, dash = NO_DASH) => {
    if (!segments.length) return;
    context.beginPath();
    for (let i = 0; i < segments.length; i += 4) {
      context.moveTo(box.x + segments[i] * scale[0], box.y + segments[i + 1] * scale[1]);
      context.lineTo(box.x + segments[i + 2] * scale[0], box.y + segments[i + 3] * scale[1]);
    }
    context.lineWidth = width;
    context.setLineDash(dash);
    context.strokeStyle = css(theme.text, width > 1.5 ? 0.85 : 0.6);
    context.stroke();
    context.setLineDash([]);
  };
  context.lineCap = "round";
  if (unit) draw(isoline(unit.bytes, rows, columns, 128, unit.unit * rows * columns), 2);
  else if (arrays.output_class) {
    const chance = 1 / layout.classes.length;
    draw(borders(arrays.output_class, rows, columns), 1.8);
    draw(isoline(arrays.output_certainty, rows, columns, (255 * (CERTAIN - chance)) / (1 - chance)), 1.1, [1, 3]);
  } else if (layout.task === "classification") {
    for (const share of SHARES) draw(isoline(arrays.output, rows, columns, 1 + 254 * share), share === 0.5 ? 2 : 1);
  } else {
    const [low, high] = layout.output.value_range;
    for (const value of valueLevels(layout)) draw(isoline(arrays.output, rows, columns, 1 + (254 * (value - low)) / (high - low)), value === 0 ? 2 : 1);
  }
}

/** The round values at which a number's lines run. @param {Layout} layout */
export const valueLevels = (layout) => ticks(layout.output.value_range, 6).values.map((value) => Number(value.toFixed(9)));
