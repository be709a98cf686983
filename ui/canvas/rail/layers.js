/** The stack of layers, from input to output: each with its fields, its sizes, its place in the row, and the layers inside of it. */

import { describeSizes, titleOf, valueAt } from "./applying.js";
import { fieldsOf } from "./choices.js";
import { make } from "./inputs.js";
import { count } from "../words/format.js";

const SIGNS = { up: "↑", down: "↓", remove: "×" };

/**
 * Where a stack stands: the path of its list of layers in the recipe ("layers.2.branches.0"), and the address before those of its layers ("2.0.").
 * @typedef {{path: string, prefix: string}} Place
 */

/** @param {Field} field @param {Kit} kit @returns {Input} */
export function layerStack(field, kit) {
  const { texts, catalogue, hand } = kit;
  const kinds = catalogue.families.layer;
  const adding = Object.keys(kinds).map((kind) => {
    const button = make("button", { type: "button", className: "nn-small" }, `+ ${texts.say("layer.add", { layer: kinds[kind].title })}`);
    button.dataset.layer = kind;
    button.onclick = () => button.ariaDisabled === "true" || hand.act({ do: "append_layer", kind });
    return button;
  });
  const list = rowsOf({ path: "layers", prefix: "" }, field.label, kit, () => adding.find((button) => !button.hidden) ?? adding[0]);
  // Networks that are known to learn these data, to begin with or to compare.
  const ready = make("div", { className: "nn-set-line", role: "group", ariaLabel: texts.say("rail.ready") });
  const readyHead = make("p", { className: "nn-set-note", hidden: true }, texts.say("rail.ready"));
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
  const output = make("p", { className: "nn-set-note" });
  const total = make("p", { className: "nn-set-note" });
  return {
    element: make("div", { className: "nn-set" }, list.element, make("div", { className: "nn-set-line", role: "group", ariaLabel: texts.say("rail.add_layer") }, ...adding), readyHead, ready, output, total),
    show(settings) {
      const { values, facts } = settings;
      list.show(settings, facts.layers);
      offerReady(facts.stacks);
      const full = values.layers.length >= facts.most_layers;
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

/**
 * The layers of one stack.
 * @param {Place} place @param {string} label @param {Kit} kit @param {() => HTMLElement} otherwise what gets the focus when no layer is left
 */
function rowsOf(place, label, kit, otherwise) {
  const list = make("ol", { className: "nn-layers", ariaLabel: label });
  /** @type {ReturnType<typeof rowOf>[]} */
  let rows = [];
  /** The focus goes with a layer that is moved. @param {string} name @param {number} at */
  const press = (name, at) => {
    if (rows[at].buttons[name].ariaDisabled === "true") return;
    const address = `${place.prefix}${at}`;
    if (name === "remove") {
      kit.hand.act({ do: "remove_layer", address });
      return;
    }
    const by = name === "up" ? -1 : 1;
    kit.hand.act({ do: "move_layer", address, by });
    rows[at + by].buttons[name].focus();
  };
  /** @param {string[]} wanted kinds */
  const build = (wanted) => {
    const focused = rows.findIndex(({ element }) => element.matches(":focus-within"));
    const pressed = Object.keys(SIGNS).find((name) => rows[focused]?.buttons[name].matches(":focus")) ?? "remove";
    rows = wanted.map((kind, at) => (rows[at]?.kind === kind ? rows[at] : rowOf(kind, at, place, kit, press)));
    list.replaceChildren(...rows.map(({ element }) => element));
    if (focused < 0 || list.matches(":focus-within")) return;
    // What had the focus is gone: it goes to what stands there now, or to what adds a layer.
    (rows[Math.min(focused, rows.length - 1)]?.buttons[pressed] ?? otherwise()).focus();
  };
  let built = false;
  return {
    element: list,
    /** @param {Settings} settings @param {Sizes[]} sizes */
    show(settings, sizes) {
      const wanted = valueAt(settings.values, place.path).map((/** @type {{kind: string}} */ layer) => layer.kind);
      if (!built || wanted.join() !== rows.map(({ kind }) => kind).join()) build(wanted);
      built = true;
      rows.forEach((row, at) => {
        row.fields.show(settings);
        row.sizes.textContent = describeSizes(sizes[at], kit.texts);
        row.buttons.up.ariaDisabled = String(at === 0);
        row.buttons.down.ariaDisabled = String(at === rows.length - 1);
        row.inside?.show(settings, sizes[at].inner ?? []);
      });
    },
  };
}

/** @param {string} kind @param {number} at @param {Place} place @param {Kit} kit @param {(name: string, at: number) => void} press */
function rowOf(kind, at, place, kit, press) {
  const { texts, catalogue } = kit;
  const described = catalogue.families.layer[kind];
  const path = `${place.path}.${at}`;
  const fields = fieldsOf("layer", path, kit);
  const sizes = make("p", { className: "nn-set-note" });
  const number = `${place.prefix}${at}`.split(".").map((part) => Number(part) + 1).join(".");
  const title = make("span", { className: "nn-layer-title" }, texts.say("rail.layer", { number, kind: titleOf(catalogue, "layer", kind) }));
  const help = make("button", { type: "button", className: "nn-set-help", ariaLabel: texts.say("rail.help_of", { name: described.title }) }, "?");
  help.onclick = () => kit.openCard(help, described.title, [described.plain], [described.help]);
  /** @type {Record<string, HTMLButtonElement>} */
  const buttons = {};
  for (const [name, sign] of Object.entries(SIGNS)) {
    const button = make("button", { type: "button", className: "nn-layer-button", title: texts.say(`layer.${name}`), ariaLabel: `${texts.say(`layer.${name}`)}: ${title.textContent}` }, sign);
    button.onclick = () => press(name, at);
    buttons[name] = button;
  }
  const head = make("div", { className: "nn-set-head" }, title, help, buttons.up, buttons.down, buttons.remove);
  const inside = described.holds ? insideOf(described.holds, { path, prefix: `${place.prefix}${at}.` }, kit) : null;
  const element = make("li", { className: "nn-layer" }, head, fields.element, ...(inside ? [inside.element] : []), sizes);
  return { kind, fields, sizes, buttons, inside, element };
}

/**
 * The stacks inside of a layer: one, or a list of branches to which there may be others.
 * @param {string} holds the field that has them @param {Place} place of the layer's own @param {Kit} kit
 */
function insideOf(holds, place, kit) {
  const { texts, hand } = kit;
  const element = make("div", { className: "nn-inside" });
  const more = make("button", { type: "button", className: "nn-small" }, `+ ${texts.say("layer.branch")}`);
  more.onclick = () => hand.act({ do: "add_branch", address: place.prefix.slice(0, -1) });
  /** @type {{element: HTMLElement, list: ReturnType<typeof rowsOf>, add: HTMLSelectElement, remove: HTMLButtonElement}[]} */
  let stacks = [];
  /** @param {number} at @param {boolean} branches */
  const stackOf = (at, branches) => {
    const name = branches ? texts.say("layer.branch.number", { number: at + 1 }) : texts.say("layer.inside");
    const add = make("select", { className: "nn-set-select", ariaLabel: `${texts.say("rail.add_layer")}: ${name}` });
    add.onchange = () => {
      if (add.value) hand.act({ do: "append_layer", kind: add.value, inside: `${place.prefix}${at}` });
      add.value = "";
    };
    const remove = make("button", { type: "button", className: "nn-layer-button", title: texts.say("layer.branch.remove"), ariaLabel: `${texts.say("layer.branch.remove")}: ${name}` }, SIGNS.remove);
    remove.onclick = () => hand.act({ do: "remove_branch", address: place.prefix.slice(0, -1), branch: at });
    const list = rowsOf({ path: `${place.path}.${holds}${branches ? `.${at}` : ""}`, prefix: `${place.prefix}${at}.` }, name, kit, () => add);
    const head = make("div", { className: "nn-set-head" }, make("span", { className: "nn-set-label" }, name), ...(branches ? [remove] : []));
    return { element: make("div", { className: "nn-inside-stack" }, head, list.element, add), list, add, remove };
  };
  return {
    element,
    /** @param {Settings} settings @param {Sizes[][]} sizes */
    show(settings, sizes) {
      const held = valueAt(settings.values, `${place.path}.${holds}`);
      const branches = Array.isArray(held[0]);
      const wanted = branches ? held.length : 1;
      if (stacks.length !== wanted) {
        stacks = Array.from({ length: wanted }, (_, at) => stacks[at] ?? stackOf(at, branches));
        element.replaceChildren(...stacks.map((stack) => stack.element), ...(branches ? [more] : []));
      }
      stacks.forEach(({ list, add, remove }, at) => {
        const kinds = settings.facts.kinds.map((kind) => make("option", { value: kind }, titleOf(kit.catalogue, "layer", kind)));
        if (add.options.length !== kinds.length + 1) add.replaceChildren(make("option", { value: "" }, `+ ${texts.say("rail.add_layer")}`), ...kinds);
        remove.hidden = wanted <= 2;
        list.show(settings, sizes[at] ?? []);
      });
    },
  };
}
