/** Which settings apply to a run, and what is said of them. Pure functions of what the run tells of its recipe. */

import { count } from "../words/format.js";
import { writeNumber } from "./numbers.js";

/** The value at a path as "layers.0.units". @param {any} values @param {string} path */
export const valueAt = (values, path) => path.split(".").reduce((found, name) => found?.[name], values);

/** Whether the setting means something for this run. @param {string} name @param {Settings} settings */
export function applies(name, { values, facts }) {
  if (name === "features") return facts.has_features;
  if (name === "class_weights") return facts.has_classes;
  if (name === "test_fraction" || name === "validation_fraction") return !facts.own_split;
  if (name === "sealed") return facts.rows.validation > 0;
  if (name === "device") return facts.devices.some((device) => device !== "auto" && device !== "cpu") || !["auto", "cpu"].includes(facts.device);
  return name in values;
}

/** The kinds that may be chosen of a family; the data decide which losses fit. @param {string} family @param {string[]} kinds @param {RunFacts} facts */
export const allowed = (family, kinds, facts) => (family === "loss" ? kinds.filter((kind) => facts.losses.includes(kind)) : kinds);

/** The most that may be typed: a batch has no more rows than there are to learn from. @param {EntryField} field @param {RunFacts} facts */
export const mostOf = (field, facts) => (field.name === "batch_size" ? Math.min(field.upper, facts.rows.train) : field.upper);

/** Names that a kind has in the reader's language. @param {Catalogue} catalogue @param {string} family @param {string} kind */
export const titleOf = (catalogue, family, kind) => catalogue.families[family]?.[kind]?.title ?? kind;

/** What the data are, in a sentence. @param {Catalogue} catalogue @param {Settings} settings @param {Texts} texts */
export function describeData(catalogue, { values, facts }, texts) {
  const { own } = facts;
  if (!own?.used) return catalogue.families.dataset[values.dataset.kind].plain;
  if (own.kind === "images") {
    return texts.say("own.images", { name: own.name, rows: count(own.rows), height: own.height, width: own.width, classes: own.classes });
  }
  const table = texts.say("own.table", { name: own.name, rows: count(own.rows), columns: own.columns, inputs: own.inputs, target: own.target });
  return own.plane ? `${table} ${texts.say("own.plane", { first: own.plane[0], second: own.plane[1] })}` : table;
}

/** How many rows are for what, where that is worth a sentence; "" otherwise. @param {RunFacts} facts @param {Texts} texts */
export function describeRows({ rows, few, own_split }, texts) {
  const lines = [];
  if (own_split) lines.push(texts.say(rows.validation ? "points.on_the_map.validation" : "points.on_the_map", rows));
  if (few) {
    const part = texts.say(`few_rows.${few.part}`);
    lines.push(texts.say(few.classes ? "few_rows.classes" : "few_rows.numbers", { rows: few.rows, part, points: few.points }));
  }
  return lines.join(" ");
}

/** "4-2": the units of the layers that have some, by the field that says how many. @param {Catalogue} catalogue @param {any[]} layers */
export const sizesOf = (catalogue, layers) => layers.map((layer) => layer[catalogue.families.layer[layer.kind]?.width ?? ""]).filter((size) => size !== undefined).join("-");

/** What fits the data, in a few words; "" while it is in use. @param {Catalogue} catalogue @param {Settings} settings @param {Texts} texts */
export function describeFitting(catalogue, { values, facts }, texts) {
  const { fitting, own } = facts;
  if (!fitting) return "";
  const { layers, features, optimizer, batch_size } = fitting;
  const last = layers.at(-1);
  const activation = last?.activation ? ` ${titleOf(catalogue, "activation", last.activation.kind)}` : "";
  const parts = [sizesOf(catalogue, layers) + activation];
  if (features) parts.push(features.map((name) => signOf(catalogue, name)).join(texts.say("differ.comma")));
  parts.push(`${titleOf(catalogue, "optimizer", optimizer.kind)} ${writeNumber(optimizer.learning_rate)}`, texts.say("fitting.batch", { rows: batch_size }));
  const name = own?.used ? own.name : titleOf(catalogue, "dataset", values.dataset.kind);
  return texts.say("fitting.settings", { dataset: name, settings: parts.join(texts.say("fitting.and")) });
}

/** A feature as it is written, "x₁". @param {Catalogue} catalogue @param {string} name */
function signOf(catalogue, name) {
  const field = catalogue.sections.flatMap((section) => section.fields).find((one) => one.input === "features");
  return field?.options?.find((one) => one.value === name)?.title ?? name;
}

/** What the optimizer usually wants, or had last; "" if there is nothing to offer. @param {Catalogue} catalogue @param {Settings} settings @param {Texts} texts */
export function describeRate(catalogue, { values, facts: { rate } }, texts) {
  if (!rate) return "";
  const optimizer = titleOf(catalogue, "optimizer", values.optimizer.kind);
  return texts.say(rate.own ? "rate.own" : "rate.usual", { optimizer, rate: writeNumber(rate.wanted), present: writeNumber(rate.present) });
}

/** A layer's sizes: "2 → 4 · 12 parameters". @param {Sizes} sizes @param {Texts} texts */
export const describeSizes = ({ inputs, outputs, parameters }, texts) => texts.say("network.shapes", { inputs, outputs, parameters: count(parameters) });

/** What the section is set to now, beside its title. @param {string} section @param {Catalogue} catalogue @param {Settings} settings */
export function summarize(section, catalogue, { values, facts }) {
  if (section === "data") return facts.own?.used ? facts.own.name : titleOf(catalogue, "dataset", values.dataset.kind);
  if (section === "network") return sizesOf(catalogue, values.layers);
  return `${titleOf(catalogue, "optimizer", values.optimizer.kind)} ${writeNumber(values.optimizer.learning_rate)}`;
}
