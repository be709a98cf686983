/** The stack of layers, from input to output: each with its fields, its sizes and its place in the row. */

import { describeSizes, titleOf } from "./applying.js";
import { fieldsOf } from "./choices.js";
import { make } from "./inputs.js";
import { count } from "../words/format.js";

const SIGNS = { up: "↑", down: "↓", remove: "×" };

/** @param {Field} field @param {Kit} kit @returns {Input} */
export function layerStack(field, kit) {
  const { texts, catalogue, hand } = kit;
  const list = make("ol", { className: "nn-layers", ariaLabel: field.label });
  const kinds = catalogue.families.layer;
  const adding = Object.keys(kinds).map((kind) => {
    const button = make("button", { type: "button", className: "nn-small" }, `+ ${texts.say("layer.add", { layer: kinds[kind].title })}`);
    button.dataset.layer = kind;
    button.onclick = () => button.ariaDisabled === "true" || hand.act({ do: "append_layer", kind });
    return button;
  });
  // Networks that are known to learn these data, to begin with or to compare.
  const ready = make("div", { className: "nn-set-line", role: "group", ariaLabel: texts.say("rail.ready") });
  let offered = "";
  /** @param {string[]} names */
  const offerReady = (names) => {
    if (names.join() === offered) return;
    offered = names.join();
    ready.replaceChildren(...names.map((name) => {
      const button = make("button", { type: "button", className: "nn-small" }, texts.say(`stack.${name}`));
      button.dataset.stack = name;
      button.onclick = () => hand.act({ do: "take_stack", name });
      return button;
    }));
    readyHead.hidden = ready.hidden = !names.length;
  };
  const readyHead = make("p", { className: "nn-set-note", hidden: true }, texts.say("rail.ready"));
  const output = make("p", { className: "nn-set-note" });
  const total = make("p", { className: "nn-set-note" });
  /** @type {{kind: string, fields: Input, sizes: HTMLElement, element: HTMLElement, buttons: Record<string, HTMLButtonElement>}[]} */
  let rows = [];

  /** @param {string} kind @param {number} at */
  const row = (kind, at) => {
    const path = `layers.${at}`;
    const fields = fieldsOf("layer", path, kit);
    const sizes = make("p", { className: "nn-set-note" });
    const title = make("span", { className: "nn-layer-title" }, texts.say("rail.layer", { number: at + 1, kind: titleOf(catalogue, "layer", kind) }));
    const help = make("button", { type: "button", className: "nn-set-help", ariaLabel: texts.say("rail.help_of", { name: kinds[kind].title }) }, "?");
    help.onclick = () => kit.openCard(help, kinds[kind].title, [kinds[kind].plain], [kinds[kind].help]);
    /** @type {Record<string, HTMLButtonElement>} */
    const buttons = {};
    for (const [name, sign] of Object.entries(SIGNS)) {
      const button = make("button", { type: "button", className: "nn-layer-button", title: texts.say(`layer.${name}`), ariaLabel: `${texts.say(`layer.${name}`)}: ${title.textContent}` }, sign);
      button.onclick = () => press(name, at);
      buttons[name] = button;
    }
    const head = make("div", { className: "nn-set-head" }, title, help, buttons.up, buttons.down, buttons.remove);
    return { kind, fields, sizes, buttons, element: make("li", { className: "nn-layer" }, head, fields.element, sizes) };
  };
  /** The focus goes with a layer that is moved. @param {string} name @param {number} at */
  const press = (name, at) => {
    if (rows[at].buttons[name].ariaDisabled === "true") return;
    if (name === "remove") {
      hand.act({ do: "remove_layer", address: String(at) });
      return;
    }
    const by = name === "up" ? -1 : 1;
    hand.act({ do: "move_layer", address: String(at), by });
    rows[at + by].buttons[name].focus();
  };
  /** @param {string[]} wanted kinds */
  const build = (wanted) => {
    const focused = rows.findIndex(({ element }) => element.matches(":focus-within"));
    const pressed = Object.keys(SIGNS).find((name) => rows[focused]?.buttons[name].matches(":focus")) ?? "remove";
    rows = wanted.map((kind, at) => (rows[at]?.kind === kind ? rows[at] : row(kind, at)));
    list.replaceChildren(...rows.map(({ element }) => element));
    if (focused < 0 || list.matches(":focus-within")) return;
    // What had the focus is gone: it goes to what stands there now, or to what adds a layer.
    (rows[Math.min(focused, rows.length - 1)]?.buttons[pressed] ?? adding[0]).focus();
  };
  return {
    element: make("div", { className: "nn-set" }, list, make("div", { className: "nn-set-line", role: "group", ariaLabel: texts.say("rail.add_layer") }, ...adding), readyHead, ready, output, total),
    show(settings) {
      const { values, facts } = settings;
      const wanted = values.layers.map((/** @type {{kind: string}} */ layer) => layer.kind);
      if (wanted.join() !== rows.map(({ kind }) => kind).join() || !rows.length) build(wanted);
      rows.forEach(({ fields, sizes, buttons }, at) => {
        fields.show(settings);
        sizes.textContent = describeSizes(facts.layers[at], texts);
        buttons.up.ariaDisabled = String(at === 0);
        buttons.down.ariaDisabled = String(at === rows.length - 1);
      });
      offerReady(facts.stacks);
      const full = rows.length >= facts.most_layers;
      for (const button of adding) {
        button.hidden = !facts.kinds.includes(button.dataset.layer ?? "");
        button.ariaDisabled = String(full);
        button.title = full ? texts.say("layer.full", { limit: facts.most_layers }) : "";
      }
      const activation = titleOf(catalogue, "activation", facts.output.activation);
      output.textContent = `${texts.say("network.output", { units: facts.output.units, activation })} · ${describeSizes(facts.output, texts)}`;
      total.textContent = texts.say("network.total", { parameters: count(facts.parameters) });
    },
  };
}
