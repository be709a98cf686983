/** The data sets with their pictures, by what they ask for; the person's own; what the chosen one is; and what fits it. */

import { describeData, describeFitting } from "./applying.js";
import { fieldsOf } from "./choices.js";
import { headOf, make, offer } from "./inputs.js";
import { paintThumbnail } from "./thumbnails.js";

const [WIDTH, HEIGHT] = [68, 40]; // of a picture, in CSS pixels

/** @param {Field} field @param {Kit} kit @returns {Input} */
export function dataSets(field, kit) {
  const { texts, catalogue, hand } = kit;
  const path = `${field.name}.kind`;
  const choices = make("div", { id: "nn-datasets", className: "nn-datasets", role: "radiogroup", ariaLabel: texts.say("rail.data_sets") });
  const tabs = make("div", { className: "nn-curve-tabs nn-dataset-tabs", role: "tablist", ariaLabel: texts.say("rail.data_sets") });
  /** @type {Record<string, HTMLElement[]>} */
  let groups = {};
  let [chosen, owned, open] = ["", "", ""];

  /** @param {string} kind @param {string} title @param {Node} picture */
  const tile = (kind, title, picture) => {
    const button = make("button", { type: "button", className: "nn-dataset", role: "radio", title }, picture, make("span", {}, title));
    button.dataset.kind = kind;
    button.onclick = () => {
      mark(kind);
      kit.choose(path, kind);
    };
    return button;
  };
  /** The person's own data stand with the other tables. @param {Own | null} own */
  const build = (own) => {
    groups = Object.fromEntries(Object.entries(catalogue.groups).map(([name, kinds]) => [name, kinds.map((kind) => {
      const canvas = make("canvas", { className: "nn-dataset-picture" });
      paintThumbnail(canvas, catalogue.thumbnails.dataset[kind], kit.theme, WIDTH, HEIGHT);
      return tile(kind, catalogue.families.dataset[kind].title, canvas);
    })]));
    if (own) groups.tables.push(tile(own.kind, own.name, make("span", { className: "nn-dataset-own", ariaHidden: "true" }, "▦")));
    tabs.replaceChildren(...Object.keys(groups).map((name) => {
      const tab = make("button", { type: "button", className: "nn-curve-tab", role: "tab" }, texts.say(`dataset.${name}`));
      tab.dataset.group = name;
      tab.setAttribute("aria-controls", "nn-datasets");
      tab.onclick = () => turn(name);
      return tab;
    }));
  };
  /** Show this group. @param {string} name */
  const turn = (name) => {
    open = name;
    for (const tab of /** @type {Iterable<HTMLElement>} */ (tabs.children)) {
      tab.ariaSelected = String(tab.dataset.group === name);
      tab.tabIndex = tab.dataset.group === name ? 0 : -1;
    }
    asked.textContent = texts.say(`dataset.${name}.plain`);
    choices.replaceChildren(...groups[name]);
    mark(chosen);
  };
  /** @param {string} kind */
  const mark = (kind) => {
    chosen = kind;
    const shown = groups[open] ?? [];
    const here = shown.some((each) => each.dataset.kind === kind);
    about.hidden = !here; // It is about what is chosen, not about the tiles of another group.
    shown.forEach((each, at) => {
      const on = each.dataset.kind === kind;
      each.ariaChecked = String(on);
      each.tabIndex = on || (!here && at === 0) ? 0 : -1;
    });
  };
  // Arrow keys walk, Space and Enter choose: another data set is too much for every press on the way.
  choices.onkeydown = (event) => walk(event, groups[open], (to) => to.focus());
  tabs.onkeydown = (event) => walk(event, /** @type {HTMLElement[]} */ ([...tabs.children]), (to) => {
    turn(to.dataset.group ?? "");
    to.focus();
  });

  const bring = make("a", { className: "nn-set-bring", href: kit.addressOf("data") }, texts.say("own.bring"));
  bring.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    kit.go(kit.addressOf("data"));
  };
  const asked = make("p", { className: "nn-set-note nn-datasets-asked" });
  const about = make("p", { className: "nn-set-note" });
  const fields = fieldsOf("dataset", field.name, kit);
  const fitting = offer("take_fitting", () => hand.act({ do: "take_fitting" }));
  const head = headOf(field, "nn-datasets", kit, () => ({ plain: texts.say("own.bring.help"), fine: catalogue.families.dataset[chosen]?.help }));
  // A label names inputs alone; these are buttons, and named by their group.
  head.firstElementChild?.replaceWith(make("span", { className: "nn-set-label" }, field.label));
  return {
    element: make("div", { className: "nn-set" }, head, tabs, asked, choices, bring, about, fields.element, fitting.element),
    show(settings) {
      const { own } = settings.facts;
      const { kind } = settings.values.dataset;
      const now = JSON.stringify([own?.kind, own?.name]);
      const anew = now !== owned;
      if (anew) build(own);
      owned = now;
      if (!hand.holds(path)) {
        const before = chosen;
        chosen = kind;
        const group = Object.keys(groups).find((name) => groups[name].some((each) => each.dataset.kind === kind));
        if (anew || before !== kind) turn(group ?? open);
        else mark(kind);
      }
      about.textContent = describeData(catalogue, settings, texts);
      fields.show(settings);
      fitting.say(describeFitting(catalogue, settings, texts), texts.say("fitting.take"));
    },
  };
}

/** To the neighbour of what has the focus, by the arrow keys. @param {KeyboardEvent} event @param {HTMLElement[]} row @param {(to: HTMLElement) => void} go */
function walk(event, row, go) {
  const at = row.indexOf(/** @type {HTMLElement} */ (event.target));
  /** @type {Record<string, number>} */
  const steps = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: row.length - 1 };
  if (at < 0 || !(event.key in steps)) return;
  event.preventDefault();
  go(row[(steps[event.key] + row.length) % row.length]);
}
