/** Answers over a plane, as a map of coloured cells: of each unit, and of the output with the data's rows on it. */

import { mix } from "../colours.js";
import { Atlas } from "../network/atlas.js";
import { paintSquare } from "../output/cells.js";
import { drawContours, valueLevels } from "../output/contours.js";
import { classLegend, rangeLegend, signLegend } from "../output/legend.js";
import { unitBytes, unitValues } from "../output/unit.js";
import { number, percent } from "../words/format.js";
import { extremePosition, regions } from "../words/regions.js";

const UNDECIDED = 0.2; // certainty below which an answer is hardly one
const WORTH_SAYING = 0.02; // shares below this are left out
const MOST_CLASSES = 6; // with regions of their own; the smaller ones are summed up
const APART = 0.1; // of a number's range: two answers so far apart differ
/** @type {Record<string, string>} */
const POSITIONS = {
  centre: "place_centre", left: "place_left", right: "place_right", top: "place_top", bottom: "place_bottom",
  top_left: "place_top_left", top_right: "place_top_right", bottom_left: "place_bottom_left", bottom_right: "place_bottom_right",
};

/**
 * What is known of a surface, to be said.
 * @typedef {{kind: "values", low: number, high: number, flat: boolean, lowPosition: string, highPosition: string}} Relief
 * @typedef {{kind: "classes", regions: ReturnType<typeof regions>, undecided: number}} Regions
 */

/** @implements {TilePainter} */
class PlaneTiles {
  constructor() {
    this.atlas = new Atlas();
  }

  /** @type {TilePainter["prepare"]} */
  prepare(units, { rows, columns }, pixels) {
    // A map finer than its tile is read at every second or third pixel.
    this.atlas.prepare(units, rows, columns, Math.max(1, Math.floor(Math.min(rows, columns) / pixels)));
  }

  /** @type {TilePainter["write"]} */
  write(bytes, units, first, theme) {
    this.atlas.write(bytes, units, first, theme.ramp);
  }

  ready() {
    this.atlas.upload();
  }

  /** @type {TilePainter["draw"]} */
  draw(context, tile, x, y, size) {
    this.atlas.draw(context, tile, x, y, size);
  }
}

/** @type {UnitKind} */
export const planeUnit = {
  small: true,
  rows: true,
  grid: false,
  inputs: 2,
  tiles: () => new PlaneTiles(),
  view: ({ layout: { map, output } }) => ({ x: map.x_range, y: map.y_range ?? output.value_range, names: output.axes }),
  paint(cells, look, arrays, discretize) {
    const { rows, columns } = look.layout.map;
    fill(cells.of(rows, columns), unitBytes(look, arrays), look.unit.unit * rows * columns, discretize, look.theme);
    cells.show();
  },
  draws: ({ contours }) => contours,
  draw(context, _, box, look, arrays) {
    drawContours(context, box, arrays, look.layout, look.theme, { unit: look.unit.unit, bytes: unitBytes(look, arrays) });
  },
  valueAt(look, arrays, u, v) {
    const { map } = look.layout;
    const value = unitValues(look, arrays, map.rows * map.columns)[cellAt(map, u, v)];
    return look.texts.say("canvas.value", { value: number(value, 2) });
  },
  legend: signLegend,
  caption: ({ texts }, contours) => (contours ? texts.say("canvas.contours_unit") : ""),
};

/** @type {OutputKind} */
export const planeOutput = {
  rows: true,
  grid: false,
  inputs: 2,
  view: ({ layout: { output } }) => ({ x: output.x_range, y: output.y_range ?? output.value_range, names: output.axes }),
  paint(cells, { layout: { output }, theme }, arrays, discretize) {
    const pixels = cells.of(output.rows, output.columns);
    if (arrays.output_class) {
      const { classRamps } = theme;
      const [kinds, certainty] = [arrays.output_class, arrays.output_certainty];
      for (let i = 0; i < pixels.length; i += 1) pixels[i] = classRamps[kinds[i] % classRamps.length][discretize ? 235 : certainty[i]];
    } else fill(pixels, arrays.output, 0, discretize, theme);
    cells.show();
  },
  draws: ({ contours }) => contours,
  draw(context, _, box, { layout, theme }, arrays) {
    drawContours(context, box, arrays, layout, theme, null);
  },
  valueAt({ layout, texts }, arrays, u, v) {
    /** @type {Say} */
    const say = (key, values) => texts.say(`canvas.${key}`, values);
    const index = cellAt(layout.output, u, v);
    if (arrays.output_class) {
      return say("predicted_class", { name: layout.classes[arrays.output_class[index]], certainty: percent(arrays.output_certainty[index] / 255, 0) });
    }
    const byte = arrays.output[index];
    if (layout.task === "regression") return say("predicted", { value: number(valueOf(byte, layout)) });
    return say("predicted_class", { name: layout.classes[byte < 128 ? 0 : 1], certainty: percent(Math.abs(byte - 128) / 127, 0) });
  },
  legend: (look) => (look.layout.task === "classification" ? classLegend(look) : rangeLegend(look)),
  caption({ layout, texts }, contours) {
    /** @type {Say} */
    const say = (key, values) => texts.say(`canvas.${key}`, values);
    if (!contours) return "";
    if (layout.task === "regression") return say("contours_values", { values: valueLevels(layout).map((value) => number(value)).join(", ") });
    return layout.classes.length > 2 ? say("contours_many") : say("contours_two", { name: layout.classes[1] });
  },
  spanned: (output) => ({ x: output.x_range, y: output.y_range ?? output.value_range }),
  valueColour(target, { output: { value_range: [low, high] } }, theme) {
    return theme.rampColours[Math.round(Math.max(1, Math.min(255, 1 + (254 * (target - low)) / (high - low))))];
  },
  facts: (layout, arrays) => (layout.task === "regression" ? reliefOf(layout, arrays) : regionsOf(layout, arrays)),
  sentences(facts, layout, say, list) {
    const [across, up] = layout.output.axes;
    const axes = say("summary_axes", { across, up });
    if (facts.kind === "values") return [axes, reliefLine(/** @type {Relief} */ (facts), say)];
    return [axes, ...regionLines(/** @type {Regions} */ (facts), layout, say, list)];
  },
  answers(layout, arrays) {
    const count = layout.output.rows * layout.output.columns;
    const classes = { share: "share_of_plane", apart: 0, count };
    if (arrays.output_class) return { ...classes, at: (i) => arrays.output_class[i] };
    if (layout.task === "classification") return { ...classes, at: (i) => (arrays.output[i] < 128 ? 0 : 1) };
    const [low, high] = layout.output.value_range;
    return { share: "share_of_values", apart: APART * (high - low), count, at: (i) => valueOf(arrays.output[i], layout) };
  },
  drawSmall(context, size, { layout: { output }, arrays }, theme) {
    const { classRamps, ramp } = theme;
    const [kinds, certainty] = [arrays.output_class, arrays.output_certainty];
    paintSquare(context, output.rows, output.columns, size,
      kinds ? (i) => classRamps[kinds[i] % classRamps.length][certainty[i]] : (i) => ramp[arrays.output[i]]);
  },
  drawDifference(context, size, a, _, differs, theme) {
    const { output, task } = a.layout;
    /** @param {Rgb} rgb */
    const pixel = (rgb) => ((255 << 24) | ((rgb[2] & 255) << 16) | ((rgb[1] & 255) << 8) | (rgb[0] & 255)) >>> 0;
    const [dark, bright] = [pixel(theme.text), pixel(mix(theme.text, theme.background, 0.55))];
    const grounds = theme.palette.map((colour) => pixel(mix(theme.zero, colour, 0.22)));
    const first = planeOutput.answers(a.layout, a.arrays);
    paintSquare(context, output.rows, output.columns, size, (i) => {
      if (differs(i)) return ((i % output.columns) + Math.floor(i / output.columns)) % 6 < 3 ? dark : bright;
      return task === "classification" ? grounds[first.at(i) % grounds.length] : pixel(theme.zero);
    });
  },
};

/** @param {Uint32Array} pixels @param {ArrayLike<number>} bytes @param {number} start @param {boolean} discretize @param {Theme} theme */
function fill(pixels, bytes, start, discretize, { ramp }) {
  if (discretize) for (let i = 0; i < pixels.length; i += 1) pixels[i] = ramp[bytes[start + i] < 128 ? 20 : 236];
  else for (let i = 0; i < pixels.length; i += 1) pixels[i] = ramp[bytes[start + i]];
}

/** @param {Surface} map @param {number} u share of the width @param {number} v share of the height */
const cellAt = ({ rows, columns }, u, v) => Math.floor(v * rows) * columns + Math.floor(u * columns);

/** The number that a byte of the output stands for. @param {number} byte @param {Layout} layout */
function valueOf(byte, { output: { value_range: [low, high] } }) {
  return low + ((byte - 1) / 254) * (high - low);
}

/** @param {Layout} layout @param {Arrays} arrays @returns {Relief} */
function reliefOf(layout, arrays) {
  const { rows, columns } = layout.output;
  let [least, most] = [255, 0];
  for (const byte of arrays.output) [least, most] = [Math.min(least, byte), Math.max(most, byte)];
  return {
    kind: "values", low: valueOf(least, layout), high: valueOf(most, layout), flat: most - least <= 2,
    lowPosition: extremePosition(arrays.output, rows, columns, -1), highPosition: extremePosition(arrays.output, rows, columns, 1),
  };
}

/** @param {Relief} facts @param {Say} say */
function reliefLine({ flat, low, high, lowPosition, highPosition }, say) {
  if (flat) return say("summary_flat", { value: number(low) });
  return say("summary_values", { low: number(low), high: number(high), low_place: say(POSITIONS[lowPosition]), high_place: say(POSITIONS[highPosition]) });
}

/** @param {Layout} layout @param {Arrays} arrays @returns {Regions} */
function regionsOf(layout, arrays) {
  const { rows, columns } = layout.output;
  const kinds = arrays.output_class ?? Uint8Array.from(arrays.output, (byte) => (byte < 128 ? 0 : 1));
  /** @param {number} i */
  const certainty = (i) => (arrays.output_certainty ? arrays.output_certainty[i] / 255 : Math.abs(arrays.output[i] - 128) / 127);
  let undecided = 0;
  for (let i = 0; i < kinds.length; i += 1) if (certainty(i) < UNDECIDED) undecided += 1;
  return { kind: "classes", regions: regions(kinds, rows, columns), undecided: undecided / kinds.length };
}

/** @param {Regions} facts @param {Layout} layout @param {Say} say @param {Intl.ListFormat} list */
function regionLines(facts, layout, say, list) {
  const lines = [];
  const present = [...facts.regions].sort((a, b) => b[1].share - a[1].share);
  /** @param {number} kind */
  const nameOf = (kind) => layout.classes[kind];
  if (present.length === 1) lines.push(say("summary_whole", { name: nameOf(present[0][0]) }));
  for (const [kind, region] of present.length > 1 ? present.slice(0, MOST_CLASSES) : []) {
    lines.push(say("summary_share", { name: nameOf(kind), share: percent(region.share, region.share < 0.1 ? 1 : 0), place: say(POSITIONS[region.position]) }));
    if (region.enclosed) lines.push(say("summary_enclosed", { name: nameOf(kind) }));
    if (region.pieces > 1) lines.push(say("summary_pieces", { name: nameOf(kind), count: region.pieces }));
  }
  if (present.length > MOST_CLASSES) {
    const rest = present.slice(MOST_CLASSES);
    lines.push(say("summary_rest", { names: list.format(rest.map(([kind]) => nameOf(kind))), share: percent(rest.reduce((sum, [, one]) => sum + one.share, 0), 0) }));
  }
  const missing = layout.classes.filter((_, kind) => !facts.regions.has(kind));
  if (missing.length) lines.push(say("summary_never", { names: list.format(missing) }));
  if (facts.undecided >= WORTH_SAYING) lines.push(say("summary_undecided", { share: percent(facts.undecided, 0), limit: percent(UNDECIDED, 0) }));
  return lines;
}
