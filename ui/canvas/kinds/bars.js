/** A unit's mean answer to each group of rows, as bars about a zero line. */

import { drawGroups } from "../axes.js";
import { css } from "../colours.js";
import { EachTile, ground } from "../network/eachtile.js";
import { emptyLegend } from "../output/legend.js";
import { unitValues } from "../output/unit.js";

const MOST_ROWS = 2000; // that a group's mean is ever taken over

/** @type {UnitKind} */
export const barsUnit = {
  small: false,
  rows: false,
  grid: false,
  inputs: 0,
  tiles: () => new EachTile((map) => map.groups.length, drawBars),
  view: () => null,
  draws: () => true,
  draw(context, _, box, look, arrays) {
    const { groups } = look.layout.map;
    drawGroups(context, box, groups, unitValues(look, arrays, groups.length), look.theme);
  },
  valueAt: () => "",
  legend: emptyLegend,
  caption({ texts, layout }) {
    const { rows } = layout.map;
    return rows && rows < Math.min(layout.rows?.train ?? 0, MOST_ROWS) ? texts.say("canvas.groups_some_caption", { count: rows }) : texts.say("canvas.groups_caption");
  },
};

/**
 * The bars on a tile.
 * @type {import("../network/eachtile.js").Drawer}
 */
export function drawBars(context, bytes, start, groups, x, y, size, theme) {
  ground(context, x, y, size, theme);
  const middle = y + size / 2;
  const scale = (size / 2) * 0.84;
  const inside = size * 0.84;
  const slot = inside / groups;
  const bar = Math.max(1, slot * 0.72);
  for (let group = 0; group < groups; group += 1) {
    const value = (bytes[start + group] - 128) / 127;
    const height = Math.max(0.75, Math.abs(value) * scale);
    context.fillStyle = css(value < 0 ? theme.negative : theme.positive);
    const left = x + (size - inside) / 2 + slot * group + (slot - bar) / 2;
    context.fillRect(left, value < 0 ? middle : middle - height, bar, height);
  }
  context.fillStyle = css(theme.text, 0.45);
  context.fillRect(x + size * 0.06, middle - 0.5, size * 0.88, 1);
}
