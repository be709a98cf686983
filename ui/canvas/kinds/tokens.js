/** A row of tokens as it goes into a network: a cell a token in its own colour, which is no amount; in large as it is written. */

import { css } from "../colours.js";
import { EachTile, ground } from "../network/eachtile.js";
import { tokenColour } from "../output/steps.js";
import { drawTokens } from "../output/text.js";
import { emptyLegend } from "../output/legend.js";
import { mapOf, unitBytes } from "../output/unit.js";

/** @type {UnitKind} */
export const tokensUnit = {
  small: true,
  rows: false,
  grid: false,
  inputs: 0,
  tiles: () => new EachTile((map) => map.columns, drawCells),
  view: () => null,
  draws: () => true,
  draw(context, _, box, look, arrays) {
    const ids = unitBytes(look, arrays);
    if (ids) drawTokens(context, { x: box.x - 28, y: box.y + 8, width: box.size + 28, height: box.size }, Array.from(ids), look.layout.output.tokens ?? [], look.theme);
  },
  valueAt: () => "",
  legend: emptyLegend,
  caption: ({ layout, texts, unit }) => texts.say("canvas.tokens_caption", { steps: mapOf(layout, unit?.address).columns }),
};

/** Cells in as many lines as make them square. @type {import("../network/eachtile.js").Drawer} */
export function drawCells(context, ids, start, length, x, y, size, theme) {
  ground(context, x, y, size, theme);
  if (!ids) return;
  const across = Math.ceil(Math.sqrt(length));
  const edge = size * 0.08;
  const cell = (size - 2 * edge) / across;
  const down = Math.ceil(length / across);
  const top = y + edge + ((across - down) * cell) / 2;
  for (let i = 0; i < length; i += 1) {
    const id = ids[start + i];
    if (!id) continue;
    context.fillStyle = css(tokenColour(id, theme));
    context.fillRect(x + edge + (i % across) * cell, top + Math.floor(i / across) * cell, Math.max(0.8, cell - 0.7), Math.max(0.8, cell - 0.7));
  }
}
