/** The sections of the rail: what each holds, in the catalogue's order, and which of them are folded. */

import { describeRate, describeRows, summarize } from "./applying.js";
import { choice, inputOf } from "./choices.js";
import { dataSets } from "./datasets.js";
import { layerStack } from "./layers.js";
import { deviceMenu, entry, headOf, make, offer, whereItApplies } from "./inputs.js";
import { writeNumber } from "./numbers.js";

/** A field of the recipe itself. @param {Field} field @param {Kit} kit @returns {Input} */
function settingOf(field, kit) {
  const { texts, hand } = kit;
  if (field.name === "dataset") return dataSets(field, kit);
  if (field.input === "layers") return layerStack(field, kit);
  if (field.input === "features") return features(field, kit);
  if (field.input === "device") return deviceMenu(field, kit);
  if (field.name === "optimizer") return choice(field, field.name, kit, rateOffer(kit));
  if (field.name === "seed") {
    const dice = sideButton(texts.say("seed.new"), texts.say("seed.new.help"), () => hand.act({ do: "new_seed" }));
    return entry(/** @type {any} */ (field), field.name, kit, dice);
  }
  if (field.name === "batch_size") {
    let most = 0;
    const all = sideButton(texts.say("batch.all"), texts.say("batch.all.help"), () => hand.move(field.name, most));
    const box = entry(/** @type {any} */ (field), field.name, kit, all);
    return {
      element: box.element,
      show(settings) {
        most = settings.facts.rows.train;
        box.show(settings);
        all.disabled = settings.values.batch_size === most;
      },
    };
  }
  return inputOf(field, field.name, kit);
}

/** @param {string} words @param {string} help @param {() => void} press */
const sideButton = (words, help, press) => make("button", { type: "button", className: "nn-small", title: help, onclick: press }, words);

/** @param {Kit} kit @returns {Input} */
function rateOffer({ texts, catalogue, hand }) {
  const line = offer("take_rate", () => hand.act({ do: "take_rate" }));
  return {
    element: line.element,
    show: (settings) => line.say(describeRate(catalogue, settings, texts), texts.say("rate.take", { rate: writeNumber(settings.facts.rate?.wanted ?? 0) })),
  };
}

/** Inputs made of x1 and x2, each on or off. @param {Field} field @param {Kit} kit @returns {Input} */
function features(field, kit) {
  const chips = (field.options ?? []).map(({ value, title }) => {
    const chip = make("button", { type: "button", className: "nn-feature-chip" }, title);
    chip.dataset.feature = value;
    chip.onclick = () => {
      const on = chip.ariaPressed !== "true";
      kit.hand.act({ do: "feature", name: value, on });
    };
    return chip;
  });
  const group = make("div", { id: "nn-set-features", className: "nn-feature-chips", role: "group", ariaLabel: field.label }, ...chips);
  const head = headOf(field, "nn-set-features", kit);
  head.firstElementChild?.replaceWith(make("span", { className: "nn-set-label" }, field.label));
  return {
    element: make("div", { className: "nn-set" }, head, group),
    show({ values }) {
      const chosen = values.features ?? ["x1", "x2"];
      for (const chip of chips) chip.ariaPressed = String(chosen.includes(chip.dataset.feature));
    },
  };
}

/**
 * All of one section.
 * @param {Section} section @param {Kit} kit @param {boolean} open @param {(open: boolean) => void} folded
 * @returns {Input & {element: HTMLDetailsElement}}
 */
export function sectionOf({ name, title, fields }, kit, open, folded) {
  const items = fields.map((field) => whereItApplies(field.name, settingOf(field, kit)));
  const now = make("span", { className: "nn-section-now" });
  const summary = make("summary", {}, make("span", { className: "nn-section-title" }, title), now);
  const body = make("div", { className: "nn-section-body" }, ...items.map((item) => item.element));
  const element = make("details", { className: "nn-section", open }, summary, body);
  element.dataset.section = name;
  element.ontoggle = () => folded(!element.open);
  const rows = make("p", { className: "nn-set-note" });
  // What is said of the rows follows the shares that make them.
  if (name === "data") items.at(-3)?.element.after(rows);
  return {
    element,
    show(settings) {
      now.textContent = summarize(name, kit.catalogue, settings);
      for (const item of items) item.show(settings);
      rows.textContent = describeRows(settings.facts, kit.texts);
      rows.hidden = !rows.textContent;
    },
  };
}
