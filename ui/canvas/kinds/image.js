/** The map of a channel for one row of the data, pixel by pixel: nothing between pixels is made up. */

import { css, mix } from "../colours.js";
import { number } from "../words/format.js";
import { signLegend } from "../output/legend.js";
import { mapOf, unitBytes, unitValues } from "../output/unit.js";
import { PixelTiles, fitted } from "../network/pixels.js";

const ACTIVE = 1e-9;

/** @type {UnitKind} */
export const imageUnit = {
  small: true,
  rows: false,
  grid: false,
  inputs: 0,
  tiles: () => new PixelTiles(),
  view: () => null,
  draws: () => true,
  draw(context, _, box, look, arrays) {
    const { layout, unit, theme } = look;
    const map = mapOf(layout, unit.address);
    const bytes = unitBytes(look, arrays);
    if (!bytes) return;
    const start = unit.unit * map.rows * map.columns;
    const { left, top, cell } = fitted(map.rows, map.columns, box.x, box.y, box.size, 1);
    context.fillStyle = css(theme.zero);
    context.fillRect(left, top, cell * map.columns, cell * map.rows);
    const colour = map.grey ? greyOf(theme) : (/** @type {number} */ byte) => theme.rampColours[byte];
    for (let row = 0; row < map.rows; row += 1) {
      for (let column = 0; column < map.columns; column += 1) {
        context.fillStyle = css(colour(bytes[start + row * map.columns + column]));
        context.fillRect(left + column * cell, top + row * cell, cell, cell);
      }
    }
    context.strokeStyle = css(theme.text, 0.3);
    context.lineWidth = 1;
    context.strokeRect(left - 0.5, top - 0.5, cell * map.columns + 1, cell * map.rows + 1);
    if (!map.grey) drawPeak(context, peakOf(bytes, start, map), left, top, cell, theme);
  },
  valueAt: () => "",
  legend: (look) => (look.unit && mapOf(look.layout, look.unit.address).grey ? [Object.assign(document.createElement("span"))] : signLegend(look)),
  caption({ layout, texts, unit }) {
    const { rows, columns, every = 1, grey } = mapOf(layout, unit?.address);
    const words = texts.say(grey ? "canvas.image_input_caption" : "canvas.image_caption", { rows, columns });
    return every > 1 ? `${words} ${texts.say("canvas.image_every", { every })}` : words;
  },
  words(look, arrays) {
    const map = mapOf(look.layout, look.unit.address);
    const bytes = unitBytes(look, arrays);
    if (map.grey || !bytes) return "";
    const values = unitValues(look, arrays, map.rows * map.columns);
    const { row, column } = peakOf(bytes, look.unit.unit * map.rows * map.columns, map);
    const active = values.filter((value) => Math.abs(value) > ACTIVE).length / values.length;
    if (active === 0) return look.texts.say("canvas.image_silent");
    return look.texts.say("canvas.image_words", {
      share: `${Math.round(100 * active)}%`, value: number(values[row * map.columns + column], 2), row: row + 1, column: column + 1,
    });
  },
};

/** Where a map is farthest from zero. @param {ArrayLike<number>} bytes @param {number} start @param {Pick<Surface, "rows" | "columns">} map */
export function peakOf(bytes, start, { rows, columns }) {
  let best = 0;
  for (let i = 1; i < rows * columns; i += 1) if (Math.abs(bytes[start + i] - 128) > Math.abs(bytes[start + best] - 128)) best = i;
  return { row: Math.floor(best / columns), column: best % columns, byte: bytes[start + best] };
}

/** A frame around the strongest pixel, if any is. @param {Context} context @param {ReturnType<typeof peakOf>} peak @param {number} left @param {number} top @param {number} cell @param {Theme} theme */
function drawPeak(context, { row, column, byte }, left, top, cell, theme) {
  if (byte === 128 || cell < 4) return;
  for (const [width, colour] of /** @type {[number, string][]} */ ([[3.5, css(theme.panel)], [1.6, css(theme.text)]])) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(left + column * cell, top + row * cell, cell, cell);
  }
}

/** How light a pixel of the data is drawn: as ink on the ground, as thumbnails of data sets are. @param {Theme} theme */
export const greyOf = (theme) => (/** @type {number} */ byte) => mix(theme.zero, theme.text, byte / 255);
