/** A choice of a kind and, below it, the fields of the kind that is chosen. */

import { allowed, valueAt } from "./applying.js";
import { graphMenu } from "./graphs.js";
import { entry, make, menu, slider, toggle } from "./inputs.js";

/** The input that a field is drawn as. @param {Field} field @param {string} path @param {Kit} kit @returns {Input} */
export function inputOf(field, path, kit) {
  if (field.input === "kind") return choice(field, path, kit);
  if (field.input === "switch") return toggle(field, path, kit);
  if (field.input === "options") return menu(field, path, kit);
  if (field.input === "entry") return entry(/** @type {any} */ (field), path, kit);
  return slider(/** @type {any} */ (field), path, kit);
}

/**
 * The fields of the kind that stands at this path; those that are seldom set behind "Fine tuning".
 * @param {string} family @param {string} path @param {Kit} kit @returns {Input}
 */
export function fieldsOf(family, path, kit) {
  const element = make("div", { className: "nn-set-fields" });
  let [kind, items] = ["", /** @type {Input[]} */ ([])];
  /** @param {Kind} described */
  const build = ({ fields }) => {
    /** @param {Field} field */
    const draw = (field) => inputOf(field, `${path}.${field.name}`, kit);
    const [seldom, usual] = [fields.filter(({ tucked }) => tucked), fields.filter(({ tucked }) => !tucked)].map((some) => some.map(draw));
    element.replaceChildren(...usual.map((item) => item.element));
    if (seldom.length) {
      const name = seldom.length === 1 ? fields.find(({ tucked }) => tucked)?.label ?? "" : kit.texts.say("more");
      const summary = make("summary", {}, name);
      element.append(make("details", { className: "nn-set-more" }, summary, ...seldom.map((item) => item.element)));
    }
    items = [...usual, ...seldom];
  };
  return {
    element,
    show(settings) {
      const now = valueAt(settings.values, path);
      if (now.kind !== kind) {
        kind = now.kind;
        build(kit.catalogue.families[family][kind]);
      }
      element.hidden = !items.length;
      for (const item of items) item.show(settings);
    },
  };
}

/**
 * A menu of kinds, a line below it, and the fields of the chosen kind.
 * @param {Field} field @param {string} path @param {Kit} kit @param {Input} [between] the line
 * @returns {Input}
 */
export function choice(field, path, kit, between) {
  const family = /** @type {string} */ (field.family);
  const kinds = kit.catalogue.families[family];
  let chosen = "";
  // The kind is told of by its own words.
  const more = () => ({ plain: `${kinds[chosen].title}: ${kinds[chosen].plain}`, fine: kinds[chosen].help });
  const curves = kit.catalogue.thumbnails[family];
  const top = curves ? graphMenu(field, `${path}.kind`, kit, curves, more) : menu(field, `${path}.kind`, kit, more);
  const fields = fieldsOf(family, path, kit);
  return {
    element: make("div", { className: "nn-set-choice" }, top.element, ...(between ? [between.element] : []), fields.element),
    show(settings) {
      chosen = valueAt(settings.values, path).kind;
      const options = allowed(family, Object.keys(kinds), settings.facts).map((kind) => ({ value: kind, title: kinds[kind].title }));
      top.offer(options, chosen);
      between?.show(settings);
      fields.show(settings);
    },
  };
}
