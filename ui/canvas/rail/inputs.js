/** Native inputs for single fields, made of what the catalogue says of them. Each is {element, show}: `show` puts it to the run's recipe. */

import { applies, mostOf, valueAt } from "./applying.js";
import { readTyped, wayOf, writeValue } from "./numbers.js";

/**
 * An element with attributes, text and children.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name @param {Partial<HTMLElementTagNameMap[Name]>} [properties] @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  Object.assign(element, properties);
  element.append(...children);
  return element;
}

/**
 * The line above an input: its label, a button for help, and what stands at the right.
 * @param {{label: string, plain?: string, help: string}} field @param {string} id of the input @param {Kit} kit @param {() => {plain?: string, fine?: string}} [more] help beyond the field's own
 * @param {...Node} right
 */
export function headOf({ label, plain, help }, id, { texts, openCard }, more = () => ({}), ...right) {
  const button = make("button", { type: "button", className: "nn-set-help", ariaLabel: texts.say("rail.help_of", { name: label }) }, "?");
  button.onclick = () => {
    const own = more();
    const said = [plain || help, own.plain ?? ""].filter(Boolean);
    openCard(button, label, said, [own.fine ?? (plain ? help : "")].filter(Boolean));
  };
  return make("div", { className: "nn-set-head" }, make("label", { htmlFor: id, textContent: label }), button, ...right);
}

/** @param {string} path */
const idOf = (path) => `nn-set-${path.replaceAll(".", "-")}`;

/**
 * A slider, over equal steps or over the rungs of a ladder.
 * @param {NumberField} field @param {string} path @param {Kit} kit @returns {Input}
 */
export function slider(field, path, kit) {
  const way = wayOf(field);
  const id = idOf(path);
  const range = make("input", { type: "range", id, className: "nn-range", min: "0", max: String(way.last), step: "1" });
  const output = make("output", { className: "nn-set-value" });
  output.ariaHidden = "true";
  /** @param {number} value */
  const write = (value) => {
    output.textContent = writeValue(value, field);
    range.ariaValueText = output.textContent;
    range.style.setProperty("--nn-filled", `${(100 * Number(range.value)) / Math.max(1, way.last)}%`);
  };
  range.oninput = () => {
    const value = way.valueAt(Number(range.value));
    write(value);
    kit.hand.move(path, value);
  };
  return {
    element: make("div", { className: "nn-set" }, headOf(field, id, kit, undefined, output), range),
    show({ values }) {
      if (kit.hand.holds(path)) return;
      const value = valueAt(values, path);
      range.value = String(way.positionOf(value));
      write(value);
    },
  };
}

/**
 * A box to type a whole number into; what is typed counts when it is finished.
 * @param {EntryField} field @param {string} path @param {Kit} kit @param {...HTMLElement} beside
 * @returns {Input}
 */
export function entry(field, path, kit, ...beside) {
  const id = idOf(path);
  const box = make("input", { type: "number", id, className: "nn-set-number", min: String(field.lower), step: "1", inputMode: "numeric" });
  let [typing, shown, most] = [false, "", field.upper];
  box.oninput = () => {
    typing = true;
  };
  box.onchange = () => {
    typing = false;
    const value = readTyped(box.value);
    box.value = value === null ? shown : String(value);
    if (value !== null && box.value !== shown) kit.hand.move(path, value);
  };
  box.onblur = () => {
    if (typing) box.value = shown;
    typing = false;
  };
  return {
    element: make("div", { className: "nn-set" }, headOf(field, id, kit), make("div", { className: "nn-set-line" }, box, ...beside)),
    show({ values, facts }) {
      shown = String(valueAt(values, path));
      most = mostOf(field, facts);
      box.max = String(most);
      if (!typing && !kit.hand.holds(path)) box.value = shown;
    },
  };
}

/** A switch. @param {Field} field @param {string} path @param {Kit} kit @returns {Input} */
export function toggle(field, path, kit) {
  const id = idOf(path);
  const box = make("input", { type: "checkbox", id, className: "nn-set-switch", role: "switch" });
  box.onchange = () => kit.hand.move(path, box.checked);
  return {
    element: make("div", { className: "nn-set nn-set-one-line" }, headOf(field, id, kit), make("label", { className: "nn-set-target" }, box)),
    show({ values }) {
      if (!kit.hand.holds(path)) box.checked = valueAt(values, path);
    },
  };
}

/**
 * A menu of a few words.
 * @param {Field} field @param {string} path @param {Kit} kit @param {() => {plain?: string, fine?: string}} [more] help beyond the field's own
 * @returns {Input & {offer: (options: Option[], chosen: string) => void, select: HTMLSelectElement}}
 */
export function menu(field, path, kit, more) {
  const id = idOf(path);
  const select = make("select", { id, className: "nn-set-select" });
  select.onchange = () => kit.choose(path, select.value);
  let offered = "";
  /** @param {Option[]} options @param {string} chosen */
  const offer = (options, chosen) => {
    const now = JSON.stringify(options);
    if (now !== offered) select.replaceChildren(...options.map(({ value, title }) => make("option", { value, textContent: title })));
    offered = now;
    if (!kit.hand.holds(path)) select.value = chosen;
  };
  return {
    element: make("div", { className: "nn-set" }, headOf(field, id, kit, more), select),
    select,
    offer,
    show: ({ values }) => offer(field.options ?? [], valueAt(values, path)),
  };
}

/** The device, which is no part of the recipe. @param {Field} field @param {Kit} kit @returns {Input} */
export function deviceMenu(field, kit) {
  const made = menu(field, "device", kit);
  made.select.onchange = () => kit.command("device", made.select.value);
  return {
    element: made.element,
    show({ facts }) {
      const options = (field.options ?? []).filter(({ value }) => value === "auto" || value === facts.device || facts.devices.includes(value));
      made.offer(options, facts.device);
    },
  };
}

/** A sentence with a button that does what it offers; nothing where there is nothing to say. @param {string} name @param {() => void} press @returns {Offer} */
export function offer(name, press) {
  const words = make("p", { className: "nn-set-note" });
  const button = make("button", { type: "button", className: "nn-small", onclick: press });
  button.dataset.edit = name;
  const element = make("div", { className: "nn-set-offer", hidden: true }, words, button);
  return {
    element,
    say(sentence, what) {
      element.hidden = !sentence;
      words.textContent = sentence;
      button.textContent = what;
    },
  };
}

/** An item that is there only where its setting applies. @param {string} name @param {Input} item @returns {Input} */
export function whereItApplies(name, item) {
  return {
    element: item.element,
    show(settings) {
      item.element.hidden = !applies(name, settings);
      if (!item.element.hidden) item.show(settings);
    },
  };
}
