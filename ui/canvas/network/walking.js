/** Arrow keys go from unit to unit: one stop for the tab key, however many units there are. */

/** @type {Record<string, [number, number]>} columns to the right, units down */
const MOVES = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/**
 * The one that an arrow key leads to, the nearest where there is none so far; null for other keys.
 * @template Unit
 * @param {Unit[][]} columns @param {Unit} unit @param {string} key
 */
export function unitBeside(columns, unit, key) {
  const move = MOVES[key];
  if (!move) return null;
  const at = columns.findIndex((units) => units.includes(unit));
  const next = columns[Math.max(0, Math.min(columns.length - 1, at + move[0]))];
  return next[Math.max(0, Math.min(next.length - 1, columns[at].indexOf(unit) + move[1]))];
}
