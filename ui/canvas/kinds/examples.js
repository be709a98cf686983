/** The output at rows of the data: the row that is seen in the network in large, with what is predicted for it, and others among which to choose. */

import { css, mix } from "../colours.js";
import { drawRow, lengthOf } from "../output/datarow.js";
import { looksOf, placesOf, tokensHeight } from "../output/grid.js";
import { emptyLegend } from "../output/legend.js";
import { drawTokens } from "../output/text.js";
import { number, percent } from "../words/format.js";

const MOST_CLASSES = 12; // with a bar of their own
const CLOSEST_BARS = 11; // pixels from one bar to the next
const APART = 0.1; // of the range: two answers so far apart differ

const TITLES = { test: "test_rows_title", train: "train_rows_title" };
const coarse = () => typeof matchMedia === "function" && matchMedia("(pointer: coarse)").matches;

/** Whether an answer is right; null where it is neither. @param {Layout} layout @param {number} target @param {number | undefined} answer */
export function isRight({ task, output }, target, answer) {
  return (task === "classification" || output.steps) && answer !== undefined ? answer === target : null;
}

/** @param {Theme} theme */
const coloursOf = (theme) => ({ right: theme.palette[2], wrong: theme.palette[3] });

/** @type {OutputKind} */
export const examplesOutput = {
  rows: false,
  grid: false,
  inputs: 0,
  view: () => null,
  draws: () => true,
  places: (box, layout) => placesOf(box, layout, coarse()),
  draw(context, _, box, look, arrays) {
    drawExample(context, placesOf(box, look.layout, coarse()), look, arrays);
  },
  drawStill(context, box, look, arrays) {
    const { layout, constants, theme, texts, example } = look;
    const places = placesOf(box, layout, coarse());
    context.font = `600 ${11.5 * theme.type}px ${theme.font}`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillStyle = css(theme.muted);
    for (const { split, x, y } of places.titles) context.fillText(`${texts.say(`canvas.${TITLES[split]}`)}${told(layout, constants, arrays, split, texts)}`, x, y);
    for (const place of places.tiles) {
      const { split, index } = place;
      const target = constants[`examples/${split}_target`]?.[index];
      if (target === undefined) continue;
      const chosen = example?.split === split && example.row === constants[`examples/${split}_rows`][index];
      drawTile(context, place, look, target, arrays[`predictions/${split}`]?.[index], chosen);
    }
  },
  valueAt: () => "",
  legend: emptyLegend,
  caption({ texts, layout: { task, output } }) {
    return texts.say(output.steps ? "canvas.examples_caption_steps" : task === "classification" ? "canvas.examples_caption" : "canvas.examples_caption_numbers");
  },
  spanned: () => ({ x: [0, 1], y: [0, 1] }),
  valueColour: (_, __, theme) => theme.positive,
  drawData(context, box, layout, constants, theme) {
    const rows = constants["examples/train"];
    const side = looksOf(layout) === "pixels" ? 2 : 3;
    const length = lengthOf(layout);
    const [cell, edge] = [(box.size - 6) / side, 3];
    for (let i = 0; i < (side === 2 ? 4 : 3) && (i + 1) * length <= (rows?.length ?? 0); i += 1) {
      const room = side === 2
        ? { x: box.x + edge + (i % 2) * cell + 1, y: box.y + edge + Math.floor(i / 2) * cell + 1, width: cell - 2, height: cell - 2 }
        : { x: box.x + edge + 2, y: box.y + edge + i * cell + 1, width: box.size - 2 * edge - 4, height: cell - 2 };
      drawRow(context, rows.subarray(i * length, (i + 1) * length), layout.output.shape ?? [], room, layout, theme);
    }
  },
  facts(_, arrays, header) {
    const [train, test] = [arrays["predictions/train"]?.length ?? 0, arrays["predictions/test"]?.length ?? 0];
    return { kind: "examples", train, test, example: header?.example ?? null };
  },
  sentences({ train, test, example }, { classes, task }, say) {
    const lines = [say("summary_examples", { train, test })];
    if (!example || task !== "classification" || Array.isArray(example.target) || !Array.isArray(example.prediction)) return lines;
    const best = example.prediction.indexOf(Math.max(...example.prediction));
    const values = { name: say(example.split === "train" ? "train_row" : "test_row", { number: example.row + 1 }), predicted: classes[best], true: classes[example.target] };
    return [...lines, say(best === example.target ? "summary_example_right" : "summary_example_wrong", values)];
  },
  answers(layout, arrays) {
    const answers = arrays["predictions/test"] ?? [];
    const [low, high] = layout.output.value_range;
    const classes = layout.task === "classification";
    return { share: "share_of_rows", apart: classes ? 0 : APART * (high - low), at: (i) => answers[i], count: answers.length };
  },
  drawSmall(context, size, moment, theme) {
    drawSmallGrid(context, size, moment, theme, (i) => isRight(moment.layout, moment.constants["examples/test_target"]?.[i], moment.arrays["predictions/test"]?.[i]) === false);
  },
  drawDifference(context, size, a, _, differs, theme) {
    drawSmallGrid(context, size, a, theme, differs);
  },
};

/** How many of the rows that are shown are right, in words. @param {Layout} layout @param {Arrays} constants @param {Arrays} arrays @param {Split} split @param {Texts} texts */
function told(layout, constants, arrays, split, texts) {
  const [targets, answers] = [constants[`examples/${split}_target`], arrays[`predictions/${split}`]];
  if (isRight(layout, 0, 0) === null || !answers || !targets?.length || answers.length !== targets.length) return "";
  let right = 0;
  for (let i = 0; i < targets.length; i += 1) if (targets[i] === answers[i]) right += 1;
  return ` · ${texts.say("canvas.examples_right", { right, all: targets.length })}`;
}

/** @param {Context} context @param {import("../output/grid.js").Place} place @param {Look} look @param {number} target @param {number | undefined} answer @param {boolean} chosen */
function drawTile(context, place, { layout, constants, theme }, target, answer, chosen) {
  const { split, index, x, y, width, height } = place;
  const length = lengthOf(layout);
  const values = constants[`examples/${split}`].subarray(index * length, (index + 1) * length);
  const looks = looksOf(layout);
  const right = isRight(layout, target, answer);
  const badge = answer === undefined ? "" : right === null ? number(answer, 2) : right ? "" : layout.classes[answer] ?? "";
  context.fillStyle = css(theme.zero);
  context.beginPath();
  context.roundRect(x, y, width, height, 4);
  context.fill();
  const beside = looks === "tokens" ? Math.min(width * 0.36, 120) : 0;
  drawRow(context, values, layout.output.shape ?? [], { x: x + (beside ? 7 : 2), y: y + 2, width: width - 4 - beside, height: height - 4 }, layout, theme);
  const colour = right === null ? theme.line : coloursOf(theme)[right ? "right" : "wrong"];
  const line = right === false ? 2.6 : 1.2;
  context.strokeStyle = css(colour);
  context.lineWidth = line;
  context.beginPath();
  context.roundRect(x + line / 2, y + line / 2, width - line, height - line, 4);
  context.stroke();
  const words = layout.output.steps ? percent(answer, 0) : layout.classes[answer ?? -1] ?? badge;
  if (beside) drawAnswer(context, words, right, x + width - 6, y + height / 2, beside - 10, theme);
  else if (badge) drawBadge(context, badge, x + width, y + height, right === null ? theme.text : colour, theme);
  if (!chosen) return;
  context.strokeStyle = css(theme.text);
  context.lineWidth = 2.2;
  context.beginPath();
  context.roundRect(x - 2.4, y - 2.4, width + 4.8, height + 4.8, 6);
  context.stroke();
}

/** What is answered to a line of tokens, at its end, with a mark whether it is right. @param {Context} context @param {string} words @param {boolean | null} right @param {number} x @param {number} y @param {number} room @param {Theme} theme */
function drawAnswer(context, words, right, x, y, room, theme) {
  context.font = `600 ${11 * theme.type}px ${theme.font}`;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillStyle = css(theme.text);
  const mark = right === null ? "" : right ? " ✓" : " ✗";
  context.fillText(`${clipped(context, words, room - 16)}${mark}`, x, y + 0.5);
}

/** @param {Context} context @param {string} words @param {number} room */
function clipped(context, words, room) {
  if (context.measureText(words).width <= room) return words;
  let kept = words;
  while (kept.length > 1 && context.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
  return `${kept}…`;
}

/** What was answered in place of the right thing, on a corner. @param {Context} context @param {string} words @param {number} x @param {number} y @param {Rgb} colour @param {Theme} theme */
function drawBadge(context, words, x, y, colour, theme) {
  context.font = `700 ${10.5 * theme.type}px ${theme.font}`;
  const text = words.length > 6 ? `${words.slice(0, 5)}…` : words;
  const width = Math.max(13, context.measureText(text).width + 6);
  context.beginPath();
  context.roundRect(x - width + 3, y - 11, width, 14, 4);
  context.fillStyle = css(theme.panel);
  context.fill();
  context.strokeStyle = css(colour);
  context.lineWidth = 1.4;
  context.stroke();
  context.fillStyle = css(theme.text);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, x - width / 2 + 3, y - 3.6);
}

/** The row that is seen in the network: large, with what is predicted for it. @param {Context} context @param {import("../output/grid.js").Places} places @param {Look} look @param {Arrays} arrays */
function drawExample(context, { head, example: box, told: room }, look, arrays) {
  const { layout, theme, example } = look;
  const values = arrays["maps/inputs"];
  if (!example || !values) return;
  const { prediction, target } = example;
  const looks = looksOf(layout);
  const steps = Array.isArray(target);
  if (looks !== "tokens") {
    const shape = layout.inputs.map ? [values.shape[0], ...(looks === "pixels" ? [layout.inputs.map.rows] : []), layout.inputs.map.columns] : [];
    context.fillStyle = css(theme.zero);
    context.fillRect(box.x, box.y, box.size, box.size);
    drawRow(context, values, shape, { x: box.x, y: box.y, width: box.size, height: box.size }, layout, theme);
    context.strokeStyle = css(theme.text, 0.35);
    context.lineWidth = 1;
    context.strokeRect(box.x + 0.5, box.y + 0.5, box.size - 1, box.size - 1);
  }
  drawTitle(context, head, look, example);
  const below = { ...room };
  if (looks === "tokens") {
    const half = steps ? below.height / 2 : Math.min(below.height * 0.6, tokensHeight(layout, room.width));
    drawTokens(context, { ...below, height: half }, Array.from(values), layout.output.tokens ?? [], theme);
    below.y += half;
    below.height -= half;
  }
  if (steps && Array.isArray(prediction)) drawAnswers(context, below, target, prediction, layout, theme);
  else if (Array.isArray(prediction)) drawShares(context, below, /** @type {number[]} */ (prediction), Number(target), layout, theme);
  else drawNumbers(context, below, look, Number(target), prediction);
}

/** Which row it is, in one line. @param {Context} context @param {import("../output/grid.js").Room} room @param {Look} look @param {ExampleFrame} example */
function drawTitle(context, room, { layout, texts, theme }, { split, row, prediction, target }) {
  context.font = `600 ${12.5 * theme.type}px ${theme.font}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = css(theme.text);
  const middle = room.y + room.height / 2 - 2;
  const name = texts.say(`canvas.${split === "train" ? "train_row" : "test_row"}`, { number: row + 1 });
  context.fillText(name, room.x, middle);
  const used = context.measureText(name).width + 12;
  if (layout.task !== "classification" || Array.isArray(target) || !Array.isArray(prediction)) return;
  const shares = /** @type {number[]} */ (prediction);
  const best = shares.indexOf(Math.max(...shares));
  context.font = `${12 * theme.type}px ${theme.font}`;
  const right = best === target;
  const words = `${right ? "✓" : "✗"} ${texts.say(right ? "canvas.example_right" : "canvas.example_wrong", { true: layout.classes[target], predicted: layout.classes[best] })}`;
  context.textAlign = "right";
  context.fillText(clipped(context, words, room.width - used), room.x + room.width, middle);
}

/** The probability of each class, the true one with a mark. @param {Context} context @param {import("../output/grid.js").Room} room @param {number[]} shares @param {number} target @param {Layout} layout @param {Theme} theme */
function drawShares(context, room, shares, target, { classes }, theme) {
  const ranked = shares.map((_, index) => index).sort((a, b) => shares[b] - shares[a]).slice(0, MOST_CLASSES);
  const fits = Math.max(2, Math.floor(room.height / CLOSEST_BARS));
  const few = ranked.slice(0, Math.min(MOST_CLASSES, fits));
  // All of them in their own order where there is room, so that no bar changes its place; else the likeliest, and the true one.
  const shown = shares.length <= Math.min(fits, MOST_CLASSES) ? shares.map((_, index) => index) : few.includes(target) ? few : [...few.slice(0, -1), target];
  const slot = Math.min(22, room.height / shown.length);
  const size = Math.min(12 * theme.type, slot - 1);
  context.font = `700 ${size}px ${theme.font}`;
  const names = Math.min(room.width * 0.42, 17 + Math.max(...shown.map((index) => context.measureText(classes[index]).width)));
  const numbers = 38;
  const reach = room.width - names - numbers;
  context.textBaseline = "middle";
  shown.forEach((index, at) => {
    const y = room.y + slot * (at + 0.5);
    const isTrue = index === target;
    context.fillStyle = css(theme.line, 0.45);
    context.fillRect(room.x + names, y - slot * 0.32, reach, slot * 0.64);
    context.fillStyle = css(theme.palette[index % theme.palette.length]);
    context.fillRect(room.x + names, y - slot * 0.32, Math.max(0.5, reach * (shares[index] ?? 0)), slot * 0.64);
    if (isTrue) {
      context.strokeStyle = css(theme.text);
      context.lineWidth = 1.4;
      context.strokeRect(room.x + names, y - slot * 0.32, reach, slot * 0.64);
    }
    context.font = `${isTrue ? 700 : 400} ${size}px ${theme.font}`;
    context.fillStyle = css(theme.text);
    context.textAlign = "left";
    if (isTrue) context.fillText("▸", room.x, y + 0.5);
    context.fillText(clipped(context, classes[index], names - 15), room.x + 10, y + 0.5);
    context.textAlign = "right";
    context.fillText(percent(shares[index], 0), room.x + room.width, y + 0.5);
  });
}

/** A number that is predicted, against the true one. @param {Context} context @param {import("../output/grid.js").Room} room @param {Look} look @param {number} target @param {Finite | unknown} prediction */
function drawNumbers(context, room, { layout, texts, theme }, target, prediction) {
  const predicted = typeof prediction === "number" ? prediction : NaN;
  const [low, high] = layout.output.value_range;
  const lines = [[texts.say("canvas.probe_true"), target, theme.muted], [texts.say("canvas.probe_predicted"), predicted, theme.positive]];
  lines.forEach(([name, value, colour], at) => {
    const y = room.y + 6 + at * 36;
    context.font = `${12 * theme.type}px ${theme.font}`;
    context.textBaseline = "top";
    context.textAlign = "left";
    context.fillStyle = css(theme.text);
    context.fillText(`${name} ${number(Number(value), 4)}`, room.x, y);
    const share = Math.max(0, Math.min(1, (Number(value) - low) / (high - low)));
    context.fillStyle = css(theme.line, 0.45);
    context.fillRect(room.x, y + 17, room.width, 9);
    context.fillStyle = css(/** @type {Rgb} */ (colour));
    if (Number.isFinite(share)) context.fillRect(room.x, y + 17, Math.max(1, share * room.width), 9);
  });
}

/** What is answered at each step; what is wrong is marked. @param {Context} context @param {import("../output/grid.js").Room} room @param {number[]} targets @param {Finite[]} answers @param {Layout} layout @param {Theme} theme */
function drawAnswers(context, room, targets, answers, layout, theme) {
  const asked = answers.map((answer, step) => (targets[step] > 0 ? answer ?? 0 : 0));
  drawTokens(context, room, asked, layout.output.tokens ?? layout.classes, theme, (step) => targets[step] > 0 && asked[step] !== targets[step]);
}

/** Rows in small, those that are marked with a strong frame. @param {Context} context @param {number} size @param {Moment} moment @param {Theme} theme @param {(i: number) => boolean} marked */
function drawSmallGrid(context, size, { layout, constants }, theme, marked) {
  const rows = constants["examples/test"];
  if (!rows) return;
  const length = lengthOf(layout);
  const looks = looksOf(layout);
  const across = looks === "pixels" ? 6 : looks === "curves" ? 3 : 1;
  const width = size / across;
  const height = looks === "pixels" ? width : size / 8;
  for (let i = 0; (i + 1) * length <= rows.length && Math.floor(i / across) * height + height <= size + 1; i += 1) {
    const [x, y] = [(i % across) * width, Math.floor(i / across) * height];
    drawRow(context, rows.subarray(i * length, (i + 1) * length), layout.output.shape ?? [], { x: x + 3, y: y + 3, width: width - 6, height: height - 6 }, layout, theme);
    const on = marked(i);
    context.strokeStyle = css(on ? coloursOf(theme).wrong : mix(theme.line, theme.text, 0.1));
    context.lineWidth = on ? 2.4 : 1;
    context.strokeRect(x + 2, y + 2, width - 4, height - 4);
  }
}


