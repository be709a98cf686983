/** What a unit answers at each step of a sequence, for one row of the data: as cells in time on its tile, as bars over the steps in large. */

import { number } from "../words/format.js";
import { signLegend } from "../output/legend.js";
import { drawSteps, stepNames } from "../output/steps.js";
import { mapOf, unitBytes, unitValues } from "../output/unit.js";
import { PixelTiles } from "../network/pixels.js";

/** @type {UnitKind} */
export const sequenceUnit = {
  small: true,
  rows: false,
  grid: false,
  inputs: 0,
  tiles: () => new PixelTiles(true),
  view: () => null,
  draws: () => true,
  draw(context, _, box, look, arrays) {
    const { columns, every = 1 } = mapOf(look.layout, look.unit.address);
    if (unitBytes(look, arrays)) drawSteps(context, box, unitValues(look, arrays, columns), stepNames(look.layout, arrays, columns, every), look.theme);
  },
  valueAt: () => "",
  legend: signLegend,
  caption({ layout, texts, unit }) {
    const { columns, every = 1 } = mapOf(layout, unit?.address);
    const words = texts.say("canvas.sequence_caption", { steps: columns });
    return every > 1 ? `${words} ${texts.say("canvas.sequence_every", { every })}` : words;
  },
  words(look, arrays) {
    const { columns, every = 1 } = mapOf(look.layout, look.unit.address);
    if (!unitBytes(look, arrays)) return "";
    const values = unitValues(look, arrays, columns);
    let best = 0;
    values.forEach((value, step) => { if (Math.abs(value) > Math.abs(values[best])) best = step; });
    return look.texts.say("canvas.sequence_words", { value: number(values[best], 2), step: best * every + 1, last: number(values[columns - 1], 2) });
  },
};
