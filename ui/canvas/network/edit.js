/**
 * Headings over the drawing and the controls that shape the network where it is drawn: activation, units, layers, input features.
 * What is asked for is sent one at a time: an edit is made on the network as it is after the one before.
 */

import { count, number } from "../words/format.js";
import { featurePicture } from "./still.js";

const PATIENCE = 1500; // milliseconds until an edit that changed nothing counts as refused
const NARROW = 108; // width of a column from which on words have room
const SHORT = 96; // ... and a layer's name
const CLOSE = 132; // ... and the "+" of a new layer beside the names
const ACTIVATION = /^component\.activation\.(\w+)\.title$/;

/** An action, and what belongs to it. @typedef {[verb: string, values: Record<string, any>]} Asked */

/** How many units a layer makes of those before it; of pictures and sequences what a row is after it. @param {Layer} layer @param {number} before @param {boolean} narrow */
function shapeOf({ shape = [], units }, before, narrow) {
  if (shape.length > 1 && !narrow) return shape.map(count).join(" × ");
  return narrow ? count(units) : `${count(before)} → ${count(units)}`;
}

/** How many numbers come in, or in which shape. @param {Layer} inputs @param {Say} say */
function inputsOf({ shape, units, map }, say) {
  if (map?.kind === "tokens") return say("tokens_count", { count: map.columns });
  return shape && shape.length > 1 ? shape.map(count).join(" × ") : say(units === 1 ? "one_unit" : "units", { count: units });
}

export class Edit {
  /** @type {Network} */
  network;
  /** @type {Layout} */
  layout;
  /** @type {Geometry} */
  geometry;
  /** @type {Texts} */
  texts;
  /** @type {(() => Asked | null)[]} */
  waiting;
  /** @type {{layout: Layout} | null} */
  sent;
  /** @type {number | undefined} */
  timer;

  /** @param {HTMLElement} panel of the network @param {{action: Action}} host */
  constructor(panel, host) {
    this.host = host;
    this.headings = panel.querySelector(".nn-headings");
    this.features = panel.querySelector(".nn-features");
    this.waiting = [];
    this.sent = null;
  }

  /** A new structure, width, theme or language. @param {import("./network.js").Network} network @param {string} dataset */
  build(network, dataset) {
    const { layout, geometry, texts } = network;
    Object.assign(this, { network, geometry, texts });
    this.renew(layout);
    const key = this.focusedKey();
    this.makeHeadings(dataset);
    this.makeFeatures();
    if (key) this.focus(key);
    this.flush();
  }

  /** A new structure is an answer to the edit that was sent; with the same layout nothing is made anew. @param {Layout} layout */
  renew(layout) {
    this.layout = layout;
    if (this.sent && layout !== this.sent.layout) this.done();
  }

  // One edit after the other

  /** @param {() => Asked | null} edit made when its turn comes: an action, or nothing where it has become pointless */
  act(edit) {
    this.waiting.push(edit);
    this.flush();
  }

  flush() {
    while (!this.sent && this.waiting.length) {
      const edit = this.waiting.shift()?.();
      if (!edit) continue;
      this.sent = { layout: this.layout };
      this.timer = setTimeout(() => { this.done(); this.flush(); }, PATIENCE);
      this.network.expect(...edit);
      this.host.action(...edit);
    }
  }

  done() {
    clearTimeout(this.timer);
    this.sent = null;
  }

  /** What was cannot be shaped. @param {boolean} past whether the drawing shows a moment that is gone */
  rest(past) {
    if (this.headings.inert === past) return;
    this.headings.inert = this.features.inert = past;
  }

  destroy() {
    clearTimeout(this.timer);
  }

  // The focus stays where it was, or goes to what is nearest

  focusedKey() {
    return (this.headings.querySelector(":focus") ?? this.features.querySelector(":focus"))?.dataset.key ?? null;
  }

  /** @param {string} key */
  focus(key) {
    const all = [this.headings, this.features].flatMap((part) => [
      .../** @type {NodeListOf<HTMLButtonElement | HTMLSelectElement>} */ (part.querySelectorAll("[data-key]")),
    ]);
    const keyOf = (/** @type {HTMLElement} */ one) => one.dataset.key ?? "";
    const same = all.find((one) => keyOf(one) === key && !one.disabled);
    const [verb, at] = key.split(" ");
    const near = all.filter((one) => keyOf(one).startsWith(verb) && !one.disabled);
    (same ?? near.find((one) => Number(keyOf(one).split(" ")[1]) >= Number(at)) ?? near.at(-1) ?? all[0])?.focus({ preventScroll: true });
  }

  // Headings

  /** @param {string} dataset */
  makeHeadings(dataset) {
    const { columns, thumb, step, phone, width: stage, gaps } = this.geometry;
    /** @type {Say} */
    const say = (key, values) => this.texts.say(`canvas.${key}`, values);
    const { rows, inputs } = this.layout;
    const narrow = step < NARROW;
    // As wide as words need, but where the "+" of a new layer stands beside them.
    const { type } = this.network.theme;
    const close = step < CLOSE * type;
    const most = Math.min(step - (close ? 2 : 26), Math.round(116 * type));
    this.headings.replaceChildren();
    this.headings.classList.toggle("nn-close-columns", close);
    this.network.panel.classList.toggle("nn-by-thumb", phone);
    /** @param {number} center @param {number} width @param {string} kind @param {[string, string][]} lines */
    const add = (center, width, kind, lines) => {
      const heading = document.createElement("div");
      heading.className = `nn-heading nn-heading-${kind}`;
      heading.style.left = `${Math.max(0, Math.min(center - width / 2, stage - width))}px`;
      heading.style.width = `${width}px`;
      for (const [name, line] of lines) {
        heading.append(Object.assign(document.createElement("span"), { className: `nn-heading-${name}`, textContent: line }));
      }
      heading.title = lines.map(([, line]) => line).join(" · ");
      this.headings.append(heading);
      return heading;
    };
    add(thumb.x + thumb.size / 2, thumb.size + 24, "data", [
      ["name", say("data")], ["what", dataset], ["shape", say("rows", { count: count(rows.all) })],
    ]);
    let before = inputs.units;
    /** @param {Column} after */
    const between = (after) => gaps.filter((gap) => gap.after === after).forEach((gap) => this.addInsert(gap));
    let marks = 0;
    for (const column of columns) {
      const { layer } = column;
      const { address } = column;
      if (column.part === "mark") {
        const heading = add(column.center, phone ? 46 : 64, "mark", [["mark", say(`mark_${layer.kind}`, { size: number(layer.size, 3) })]]);
        // Marks beside one another are closer than their words are wide: the second stands above the first.
        marks = columns[columns.indexOf(column) - 1]?.part === "mark" ? marks + 1 : 0;
        heading.style.setProperty("--nn-lift", `${22 * (marks % 3)}px`);
        const after = this.network.names.layerName(columns.slice(0, columns.indexOf(column)).findLast(({ part }) => part !== "mark") ?? columns[0]);
        if (address.includes(".")) continue;
        const remove = this.button(`remove ${address}`, "×", say(`remove_mark_${layer.kind}`, { layer: after }), () => ["remove_layer", { address }]);
        remove.classList.add("nn-remove");
        heading.append(remove);
        continue;
      }
      if (column.part === "inputs") {
        add(column.center, Math.min(step, 110), "inputs", [["name", this.network.names.layerName(column)], ["what", inputsOf(layer, say)]]);
        between(column);
        continue;
      }
      const name = this.network.names.layerName(column);
      const hidden = column.part !== "output";
      // Columns of branches may stand under one another: the first one's heading speaks of all.
      const together = columns.filter((one) => one.part !== "mark" && one.center === column.center);
      if (together[0] !== column) continue;
      const short = hidden && step < (phone || together.length > 1 ? NARROW : SHORT);
      /** @param {(one: Column) => string} word */
      const each = (word) => [...new Set(together.map(word))].join(" / ");
      const heading = add(column.center, most, column.part, [
        ["name", each((one) => (short ? this.network.names.layerName(one).replace(/^(\D)\D*?(\d+)$/, "$1$2") : this.network.names.layerName(one)))],
        ["what", each((one) => this.activationTitle(one.layer.activation))],
        ["shape", each((one) => shapeOf(one.layer, before, hidden && narrow))],
        // Where columns stand close the numbers go without their words.
        ["parameters", say(narrow ? "parameters_short" : "parameters", { count: each((one) => count(one.layer.parameters)) })],
      ]);
      if (hidden && !address.includes(".")) this.addControls(heading, column, name); // Within a branch the recipe shapes.
      if (hidden) between(column);
      before = layer.units;
    }
  }

  /** @param {string} kind */
  activationTitle(kind) {
    return this.texts.strings[`component.activation.${kind}.title`] ?? kind.charAt(0).toUpperCase() + kind.slice(1);
  }

  /** @param {HTMLElement} heading @param {Column} column @param {string} name */
  addControls(heading, column, name) {
    /** @param {string} key */
    const say = (key) => this.texts.say(`canvas.${key}`, { layer: name });
    const { address, layer } = column;
    heading.role = "group";
    heading.ariaLabel = name;
    heading.classList.add("nn-heading-shaped");
    const remove = this.button(`remove ${address}`, "×", say("remove_layer"), () => ["remove_layer", { address }]);
    remove.classList.add("nn-remove");
    if (layer.activation) heading.querySelector(".nn-heading-what").after(this.activationMenu(column, say("activation_of")));
    if (layer.most_units) heading.append(...this.unitButtons(column, layer.most_units, say));
    heading.append(remove);
  }

  /** One unit fewer, one more. @param {Column} column @param {number} most @param {(key: string) => string} say */
  unitButtons({ address, layer }, most, say) {
    const last = () => (this.layout.layers.find((one) => one.address === address)?.units ?? 0) - 1;
    const fewer = this.button(`fewer ${address}`, "−", say("remove_neuron"), () => (last() > 0 ? ["remove_unit", { address, unit: last() }] : null));
    const more = this.button(`more ${address}`, "+", say("add_neuron"), () => ["add_unit", { address }]);
    fewer.classList.add("nn-fewer");
    more.classList.add("nn-more");
    fewer.disabled = layer.units <= 1;
    more.disabled = layer.units >= most;
    return [fewer, more];
  }

  /** @param {Column} column @param {string} name */
  activationMenu({ address, layer }, name) {
    const select = document.createElement("select");
    select.className = "nn-activation nn-edit";
    select.dataset.key = `activation ${address}`;
    select.ariaLabel = name;
    for (const key of Object.keys(this.texts.strings)) {
      const kind = ACTIVATION.exec(key)?.[1];
      if (kind) select.append(new Option(this.texts.strings[key], kind, false, kind === layer.activation));
    }
    select.onchange = () => {
      const kind = select.value;
      /** @type {Element} */ (select.previousElementSibling).textContent = this.activationTitle(kind);
      this.act(() => ["activation", { address, kind }]);
    };
    return select;
  }

  /** "+" between two columns. @param {{at: string, after: Column, x: number}} gap */
  addInsert({ at, after, x }) {
    const button = this.button(`insert ${at}`, "+", this.texts.say("canvas.add_layer", { layer: this.network.names.layerName(after) }), () => ["add_layer", { address: at }]);
    button.classList.add("nn-insert");
    button.style.left = `${x}px`;
    this.headings.append(button);
  }

  /** @param {string} key @param {string} sign @param {string} name @param {() => Asked | null} edit */
  button(key, sign, name, edit) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "nn-shape nn-edit";
    button.dataset.key = key;
    button.ariaLabel = button.title = name;
    button.append(Object.assign(document.createElement("span"), { textContent: sign, ariaHidden: "true" }));
    button.onclick = () => this.act(edit);
    return button;
  }

  // Input features

  makeFeatures() {
    const { geometry, layout } = this;
    this.features.replaceChildren();
    this.features.hidden = layout.features.length === 0;
    if (this.features.hidden) return;
    this.features.ariaLabel = this.texts.say("canvas.features");
    const inputs = geometry.tiled[0];
    const { right } = geometry.labels;
    const { names, labels } = layout.inputs;
    /** @param {string} name @param {string} label @param {boolean} on @param {number} middle @param {number} width */
    const add = (name, label, on, middle, width) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = `nn-feature nn-edit${on ? "" : " nn-off"}`;
      button.dataset.key = `feature ${name}`;
      button.ariaPressed = String(on);
      button.ariaLabel = this.texts.say("canvas.feature", { name: label });
      button.title = this.texts.say(on ? "canvas.feature_off_help" : "canvas.feature_on_help", { name: label });
      button.append(Object.assign(document.createElement("span"), { textContent: label }));
      const left = right - (on ? Math.max(18, this.network.widthOf(label)) + 6 : geometry.labels.width + 6);
      button.style.cssText = `left:${left}px;top:${middle - 12}px;width:${width - left}px`;
      if (on && names.length === 1) {
        button.ariaDisabled = "true";
        button.title = this.texts.say("canvas.last_feature");
      } else button.onclick = () => this.act(() => (this.layout.inputs.names.includes(name) === !on || (on && this.layout.inputs.names.length < 2) ? null : ["feature", { name, on: !on }]));
      button.style.setProperty("--nn-label", `${right - left}px`);
      if (on) /** @type {HTMLElement} */ (button.firstElementChild).hidden = true; // the drawing has its name
      else button.append(featurePicture(this.network, name));
      this.features.append(button);
    };
    for (const tile of inputs.tiles) add(names[tile.unit], labels[tile.unit], true, tile.y + tile.size / 2, right + 3);
    for (const { name, label, x, y } of geometry.off) add(name, label, false, y, x + 14);
  }
}
