/** The picture in plain sentences: what the network is, where its answers lie, how the curves went, which units do nothing. */

import { count, loss, number, percent, score } from "./format.js";
import { Dialog } from "../dialogs.js";
import { unitsIn } from "../network/items.js";
import { outputKind, unitKind } from "../kinds.js";

const NAMES = 8; // more inputs are not read out one by one
const FLAT = 0.01; // a change within the last tenth smaller than this share of the whole way is none
const STATES = /** @type {const} */ ([
  ["dead", "summary_dead"], ["saturated", "summary_saturated"], ["constant", "summary_constant"], ["silenced", "summary_silenced"],
]);
const HEALTH = /** @type {const} */ (["dead", "saturated", "constant"]); // by the codes 1, 2 and 3
const TRENDS = { rising: "summary_rising", falling: "summary_falling", flat: "summary_steady" };
/** @typedef {{layout: Layout, header: Header, arrays: Arrays, history: Rows}} Seen  what is on the canvas */

/** Everything that is said, as numbers and names. @param {Seen} seen */
export function facts({ layout, header, arrays, history }) {
  const moment = Boolean(header.moment);
  return {
    // `first`: what is shown is what the initial weights do, and nothing else was ever seen of the run.
    run: { status: header.status, epoch: header.epoch, step: header.step, moment, first: header.step === 0 && !moment && header.journal_version === null },
    surface: outputKind(layout).facts(layout, arrays, header),
    curves: curvesOf(header, history),
    units: unitsOf(layout, arrays),
  };
}

/**
 * The way of the test loss, and how far it is from the training loss.
 * @param {Header} header @param {Rows} history
 */
export function curvesOf(header, history) {
  const now = header.losses;
  const rows = history.rows;
  const tests = (history.columns.test_loss ?? []).slice(0, rows);
  const epochs = (history.columns.epoch ?? []).slice(0, rows);
  const { metric } = header;
  const found = { metric, train: header.metrics.train[metric.name], test: header.metrics.test[metric.name], loss: now.test };
  if (header.step === 0 || tests.length === 0) return { ...found, untrained: /** @type {const} */ (true) };
  // The losses of a run that diverged are no numbers: nothing can be told of their way.
  if (now.test === null || now.train === null) return { ...found, untrained: /** @type {const} */ (false), diverged: /** @type {const} */ (true) };
  let best = 0;
  for (let i = 1; i < tests.length; i += 1) if (tests[i] < tests[best]) best = i;
  const lowest = now.test < tests[best] ? { loss: now.test, epoch: header.epoch } : { loss: tests[best], epoch: epochs[best] };
  const start = tests[0];
  const gap = now.test - now.train;
  return {
    ...found, untrained: /** @type {const} */ (false), diverged: /** @type {const} */ (false),
    start, lowest, trend: trendOf(tests), gap, apart: header.apart,
  };
}

/** What the last tenth did; null where it is too short to tell. @param {number[]} values @returns {"rising" | "falling" | "flat" | null} */
export function trendOf(values) {
  const last = values.slice(-Math.max(4, Math.ceil(values.length / 10)));
  if (last.length < 4 || values.length < 8) return null;
  const half = Math.floor(last.length / 2);
  /** @param {number[]} part */
  const mean = (part) => part.reduce((sum, value) => sum + value, 0) / part.length;
  const change = mean(last.slice(-half)) - mean(last.slice(0, half));
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (Math.abs(change) <= FLAT * (high - low)) return "flat";
  return change > 0 ? "rising" : "falling";
}

/** Units that do nothing, by layer, and what a person has taken hold of. @param {Layout} layout @param {Arrays} arrays */
export function unitsOf(layout, arrays) {
  let frozen = 0;
  const learned = unitsIn(layout.layers);
  const layers = learned.map(({ address, units }, index) => {
    const counts = { dead: 0, saturated: 0, constant: 0, silenced: 0 };
    for (const code of arrays[`health/${address}`] ?? []) if (code > 0) counts[HEALTH[code - 1]] += 1;
    for (const on of arrays[`silenced/${address}`] ?? []) counts.silenced += on ? 1 : 0;
    for (const name of [`frozen/${address}`, `frozen_bias/${address}`]) for (const on of arrays[name] ?? []) frozen += on ? 1 : 0;
    return { index, units, output: index === learned.length - 1, ...counts };
  });
  return { layers, frozen, known: learned.some(({ address }) => `health/${address}` in arrays) };
}

/**
 * The same as sentences, under headings.
 * @param {Seen} seen @param {Texts} texts @param {string} language
 * @returns {{title: string, lines: string[]}[]}
 */
export function describe(seen, texts, language) {
  /** @type {Say} */
  const say = (key, values) => texts.say(`canvas.${key}`, values);
  const known = facts(seen);
  const list = new Intl.ListFormat(language, { type: "conjunction" });
  return [
    { title: say("network"), lines: [...networkLines(seen.layout, say, list), runLine(known.run, say)] },
    { title: say("output"), lines: [
      ...(known.run.first ? [say("summary_first_weights")] : []), ...outputKind(seen.layout).sentences(known.surface, seen.layout, say, list),
      ...pictureLines(seen, texts),
    ] },
    { title: say("summary_curves"), lines: curveLines(known.curves, say, known.run.moment) },
    { title: say("summary_units"), lines: unitLines(known.units, say, known.run.first) },
  ];
}

/** @param {Layout} layout @param {Say} say @param {Intl.ListFormat} list */
function networkLines(layout, say, list) {
  const { labels, units, shape } = layout.inputs;
  const shown = labels.slice(0, NAMES);
  const lines = [shape ? say("summary_shape", { shape: shape.join(" × ") }) : units <= NAMES ? say("summary_inputs", { names: list.format(shown) }) : say("summary_many_inputs", { count: count(units) })];
  let hidden = 0;
  layersIn(layout.layers).forEach((layer) => {
    if (layer.drawn === "mark") {
      lines.push(say(`summary_mark_${layer.kind}`, { size: number(layer.size, 3), share: percent(layer.size, 0) }));
      return;
    }
    const name = layer === layout.layers.at(-1) ? say("output") : say("hidden", { number: (hidden += 1) });
    lines.push(say(!layer.activation ? "summary_layer_plain" : layer.units === 1 ? "summary_layer_of_one" : "summary_layer", { layer: name, count: layer.units, activation: layer.activation }));
  });
  lines.push(say("summary_parameters", { count: count(layout.parameters) }));
  return lines;
}

/** Of each layer whose units are seen in the example, what the strongest of them answers to it. @param {Seen} seen @param {Texts} texts */
function pictureLines({ layout, arrays }, texts) {
  const learned = unitsIn(layout.layers);
  return learned.flatMap((layer, index) => {
    const scales = arrays[`scales/${layer.address}`];
    const words = layer.map && unitKind(layout, layer.address).words;
    if (!scales || !words) return [];
    const unit = scales.indexOf(Math.max(...scales));
    const name = texts.say(index === learned.length - 1 ? "canvas.output" : "canvas.hidden", { number: index + 1 });
    const told = words({ layout, texts, unit: { address: layer.address, unit } }, arrays);
    return told ? [texts.say("canvas.summary_map", { unit: texts.say(layer.shape?.length === 3 ? "canvas.unit_map" : "canvas.unit_steps", { layer: name, number: unit + 1 }), words: told })] : [];
  });
}

/** These layers and those inside of them, each before those that it holds. @param {Layer[]} layers @returns {Layer[]} */
const layersIn = (layers) => layers.flatMap((layer) => [layer, ...(layer.branches ?? []).flatMap(layersIn)]);

/** @param {ReturnType<typeof facts>["run"]} run @param {Say} say */
function runLine(run, say) {
  const values = { epoch: count(run.epoch), step: count(run.step) };
  if (run.moment) return say("summary_moment", values);
  return say(run.status === "playing" ? "summary_playing" : "summary_standing", values);
}

/** @param {ReturnType<typeof curvesOf>} curves @param {Say} say @param {boolean} past whether updates followed */
function curveLines(curves, say, past) {
  const { name, form } = curves.metric;
  const lines = [say("summary_score", { name: say(name), train: score(curves.train, form), test: score(curves.test, form) })];
  if (curves.untrained) return past ? lines : [say("summary_untrained", { loss: loss(curves.loss) }), ...lines];
  if (curves.diverged) return [say("diverged"), ...lines];
  lines.unshift(say("summary_loss", {
    start: loss(curves.start), now: loss(curves.loss), lowest: loss(curves.lowest.loss), epoch: count(curves.lowest.epoch),
  }));
  if (curves.trend) lines.push(say(TRENDS[curves.trend]));
  const values = { gap: loss(Math.abs(curves.gap)) };
  if (curves.apart) lines.push(say("summary_overfitting", values));
  else lines.push(say(curves.gap >= 0 ? "summary_above" : "summary_below", values));
  return lines;
}

/** @param {ReturnType<typeof unitsOf>} units @param {Say} say @param {boolean} first whether they have their initial weights */
function unitLines(units, say, first) {
  const lines = [];
  for (const layer of units.layers) {
    const name = layer.output ? say("output") : say("hidden", { number: layer.index + 1 });
    for (const [state, text] of STATES) {
      if (layer[state]) lines.push(say(text, { layer: name, count: layer[state], units: layer.units }));
    }
  }
  const known = first ? "summary_none_idle" : "summary_all_answer";
  if (!lines.length) lines.push(say(units.layers.length === 1 ? "summary_no_hidden" : units.known ? known : "summary_not_looked"));
  if (units.frozen) lines.push(say("summary_frozen", { count: count(units.frozen) }));
  return lines;
}

/** The dialog with the sentences of the moment in which it was opened. */
export class Summary {
  /** @type {Texts} */
  texts;

  /** @param {HTMLElement} root @param {() => Seen | null} look what is on the canvas now */
  constructor(root, look) {
    this.root = root;
    this.look = look;
    /** @type {HTMLButtonElement} */
    const opener = root.querySelector('[data-do="describe"]');
    this.dialog = new Dialog(root.querySelector(".nn-summary"), opener);
    this.body = this.dialog.element.querySelector(".nn-summary-body");
    opener.onclick = () => this.open();
  }

  /** A new language. @param {Texts} texts */
  build(texts) {
    this.texts = texts;
    this.dialog.name(texts.say("canvas.describe"), texts.say("canvas.close"));
    this.dialog.opener.title = `${texts.say("canvas.describe")} (D)`;
  }

  open() {
    const seen = this.look();
    if (!seen) return;
    this.body.replaceChildren(...describe(seen, this.texts, this.root.lang).flatMap(({ title, lines }) => [
      Object.assign(document.createElement("h3"), { textContent: title }),
      ...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })),
    ]));
    this.dialog.open();
  }
}
