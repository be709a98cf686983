/** The strip under the drawing: the numbers of the unit or link that is pinned, and what may be done to it. */

import { number } from "../words/format.js";
import { columnBefore } from "./geometry.js";
import { Kernels } from "./kernels.js";
import { isFrozen } from "./marks.js";
import { INPUTS, linkItem, same, unitItem } from "./items.js";
import { pictureWords } from "./tip.js";

const READ_EVERY = 120; // milliseconds between changes of numbers that move: faster cannot be read
const DRAG_EVERY = 60; // milliseconds between two values of a drag
const WIDE = 3; // a slider goes at least so far to both sides
const SHOWN_DIGITS = 4;

/** What was typed, as a number that a weight can be; null for anything else. @param {string} text */
export function asWeight(text) {
  const plain = text.trim().replace(/[\u2212\u2013]/g, "-").replace(/^(-?\d*),(\d+)$/, "$1.$2");
  if (plain === "" || !/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  return Number.isFinite(Math.fround(value)) ? value : null;
}

export class Inspector {
  /** @type {Layout} */
  layout;
  /** @type {Texts} */
  texts;
  /** @type {Arrays} */
  arrays;
  /** @type {HTMLInputElement} */
  input;
  /** @type {HTMLInputElement} */
  slider;
  /** @type {HTMLSelectElement} */
  incoming;
  /** @type {Record<string, HTMLButtonElement>} */
  buttons;
  /** @type {Item | null} */
  item;
  /** @type {Item | null} */
  shownFor;
  /** @type {number} */
  structure;
  /** @type {string | null} */
  committed;
  /** @type {number | null} */
  dragging;
  /** @type {{option: HTMLOptionElement, name: string}[]} */
  sources;

  /**
   * @param {HTMLElement} panel
   * @param {import("./network.js").Network} network
   * @param {{command: Command, want: Want}} host
   */
  constructor(panel, network, host) {
    /** @template {HTMLElement} [Kind=HTMLElement] @param {string} name @returns {Kind} */
    const find = (name) => panel.querySelector(`.nn-inspector${name}`);
    this.network = network;
    this.host = host;
    this.strip = find("");
    this.name = find(" .nn-inspector-name");
    this.release = find(" .nn-let-go");
    this.body = find(" .nn-inspector-body");
    this.field = find(" .nn-field-number");
    this.input = this.field.querySelector("input");
    this.slider = find(" .nn-slide");
    this.incoming = find(" .nn-incoming select");
    this.motion = find(" .nn-motion");
    this.why = find(" .nn-why");
    this.state = find(" .nn-state");
    this.kernels = new Kernels(find(" .nn-kernels"));
    this.buttons = Object.fromEntries([...this.body.querySelectorAll("[data-mark]")].map((button) => [button.dataset.mark, button]));
    this.item = null;
    this.read = 0;
    this.stroke = 0;
    this.release.onclick = () => network.pin(null, true);
    this.input.onchange = () => this.commit();
    this.input.onkeydown = (event) => { if (event.key === "Enter") this.commit(); };
    this.input.onblur = () => this.leave();
    this.slider.onpointerdown = () => { this.stroke = Date.now(); };
    this.slider.oninput = () => this.drag();
    this.slider.onchange = this.slider.onpointerup = this.slider.onpointercancel = () => { this.stroke = 0; };
    this.incoming.onchange = () => this.walk();
    this.incoming.onpointerdown = this.incoming.onfocus = () => this.nameIncoming();
    this.buttons.freeze.onclick = () => this.toggle("freeze", this.frozenTarget());
    this.buttons.freeze_layer.onclick = () => this.toggle("freeze_layer", { unit: null, input: null });
    this.buttons.silence.onclick = () => this.toggle("silence", { unit: this.pinned.unit });
    this.buttons.remove.onclick = () => this.remove();
    this.strip.onkeydown = (event) => { if (event.key === "Escape" && this.item) network.pin(null, true); };
  }

  /** A new structure or language. @param {{layout: Layout, texts: Texts}} network */
  build({ layout, texts }) {
    Object.assign(this, { layout, texts });
    this.strip.ariaLabel = texts.say("canvas.inspector");
    this.release.ariaLabel = this.release.title = texts.say("canvas.let_go");
    for (const [mark, button] of Object.entries(this.buttons)) button.title = texts.say(`canvas.${mark.replace("_layer", "")}_help`);
    this.buttons.freeze_layer.textContent = texts.say("canvas.freeze_layer");
    this.item = this.shownFor = null; // What is pinned is to be shown anew, also if a frame comes before: its words are of the old language.
    this.explain("");
  }

  /** @param {import("./items.js").Item | null} item */
  show(item) {
    if (!same(item, this.item)) this.explain("");
    this.item = item;
    this.shownFor = null;
    const { texts } = this;
    const on = item !== null;
    this.name.hidden = this.release.hidden = !on;
    this.strip.hidden = !on;
    this.body.hidden = !item || item.address === INPUTS;
    this.state.textContent = "";
    const column = item && this.network.columnOf(item.address);
    this.host.want({ kernel: item && column?.layer.links === "sums" ? { address: item.address, unit: item.unit } : null });
    if (!item || !column) return;
    this.name.textContent = this.network.names.itemName(item);
    if (item.address === INPUTS) {
      this.state.textContent = texts.say("canvas.input_hint");
      return;
    }
    const link = item.kind === "link";
    const { part, layer, links } = column;
    const fixed = Boolean(layer.fixed);
    this.field.hidden = this.slider.hidden = this.buttons.freeze.hidden = fixed;
    /** @type {HTMLElement} */ (this.incoming.parentElement).hidden = links !== "weights";
    const hidden = part !== "output";
    const label = texts.say(link ? "canvas.weight_label" : "canvas.bias_label");
    /** @type {Element} */ (this.field.firstElementChild).textContent = label;
    this.slider.ariaLabel = label;
    this.input.removeAttribute("aria-invalid");
    this.motion.hidden = !link;
    this.buttons.freeze.textContent = texts.say(link ? "canvas.freeze_weight" : "canvas.freeze_neuron");
    this.buttons.freeze_layer.hidden = link || fixed;
    this.buttons.silence.hidden = link || !hidden;
    this.buttons.remove.hidden = link || !layer.most_units || item.address.includes("."); // Within a branch the recipe shapes.
    this.buttons.silence.textContent = texts.say("canvas.silence");
    this.buttons.remove.textContent = texts.say("canvas.remove");
    if (links === "weights") this.makeIncoming();
    else this.sources = [];
  }

  /** What is pinned, where it is known that something is. */
  get pinned() {
    return /** @type {Item} */ (this.item);
  }

  // Reading a frame

  get value() {
    const { address, unit, input } = this.pinned;
    return input === undefined ? this.arrays[`bias/${address}`]?.[unit] ?? 0 : this.arrays[`weight/${address}`][this.flat(unit, input)];
  }

  /** The column whose units what is pinned weighs. */
  get source() {
    const { network } = this;
    return columnBefore(network.geometry, network.columnOf(this.pinned.address));
  }

  /** @param {number} unit @param {number} input */
  flat(unit, input) {
    return unit * this.source.shown + input;
  }

  /** @param {Arrays} arrays @param {Header} header */
  draw(arrays, header) {
    this.arrays = arrays;
    this.structure = header.structure;
    this.strip.inert = Boolean(header.moment);
    if (!this.item || this.item.address === INPUTS) return;
    const now = performance.now();
    const fresh = this.shownFor !== this.item;
    if (!fresh && header.status === "playing" && now - this.read < READ_EVERY) return;
    this.read = now;
    const { value } = this;
    if (!this.inUse(this.input)) this.input.value = number(value, SHOWN_DIGITS);
    if (!this.stroke) this.showSlider(value, fresh);
    this.showMotion();
    this.showMarks();
    this.kernels.draw(arrays.kernel, this.network, this.network.columnOf(this.item.address).layer.links === "sums");
    if (fresh) this.nameIncoming();
    this.shownFor = this.item;
  }

  /** @param {HTMLElement} element */
  inUse(element) {
    return element.matches(":focus");
  }

  /** @param {number} value @param {boolean} fresh */
  showSlider(value, fresh) {
    const reach = Number(this.slider.max);
    if (fresh || Math.abs(value) > reach) {
      const wide = Math.max(WIDE, Math.ceil(1.5 * Math.abs(value)));
      this.slider.min = String(-wide);
      this.slider.max = String(wide);
      this.slider.step = String(wide / 300);
    }
    this.slider.value = String(value);
    this.fillSlider();
  }

  fillSlider() {
    const [min, max, value] = [this.slider.min, this.slider.max, this.slider.value].map(Number);
    this.slider.style.setProperty("--nn-filled", `${(100 * (value - min)) / (max - min)}%`);
    this.slider.setAttribute("aria-valuetext", number(value, 3));
  }

  showMotion() {
    if (this.pinned.kind !== "link") return;
    const { address, unit, input } = this.pinned;
    const [gradient, update] = [this.arrays[`gradient/${address}`], this.arrays[`update/${address}`]];
    if (!gradient) return;
    const at = this.flat(unit, input);
    this.write(this.motion, this.texts.say("canvas.motion", { gradient: number(gradient[at], 2), update: number(update[at], 2) }));
  }

  showMarks() {
    const { address, unit, input, kind } = this.pinned;
    const { arrays } = this;
    const inputs = this.source.shown;
    const units = this.network.columnOf(address).shown;
    const frozen = kind === "link" ? Boolean(arrays[`frozen/${address}`]?.[this.flat(unit, input)]) : isFrozen(arrays, address, unit, inputs);
    this.press(this.buttons.freeze, frozen);
    if (kind === "link") {
      this.write(this.state, "");
      return;
    }
    let all = true;
    for (let one = 0; one < units && all; one += 1) all = isFrozen(arrays, address, one, inputs);
    this.press(this.buttons.freeze_layer, all);
    const silenced = Boolean(arrays[`silenced/${address}`]?.[unit]);
    this.press(this.buttons.silence, silenced);
    const health = arrays[`health/${address}`]?.[unit];
    const words = pictureWords(this.network, /** @type {import("./items.js").UnitItem} */ (this.pinned), arrays);
    this.write(this.state, silenced ? this.texts.say("canvas.silenced") : health ? this.texts.say(`canvas.health_${health}`) : words);
  }

  /** @param {HTMLElement} button @param {boolean} on */
  press(button, on) {
    if (button.ariaPressed !== String(on)) button.ariaPressed = String(on);
  }

  /** @param {Node} element @param {string} words */
  write(element, words) {
    if (element.textContent !== words) element.textContent = words;
  }

  // Changing

  /** @param {string} verb @param {object} values */
  send(verb, values) {
    this.host.command(verb, { structure: this.structure, address: this.pinned.address, ...values });
  }

  /** @param {number} value @param {{stroke?: number}} [more] */
  setTo(value, more = {}) {
    const { unit, kind, input } = this.pinned;
    this.send("set", { unit, input: kind === "link" ? input : null, value, ...more });
  }

  /** What was typed: a number goes to the run, anything else is refused with the reason. */
  commit() {
    if (this.input.value === number(this.value, SHOWN_DIGITS)) {
      this.explain("");
      return;
    }
    if (this.input.value === this.committed) return;
    const value = asWeight(this.input.value);
    if (value === null) {
      this.explain(this.texts.problem({ key: "bad_weight", values: { came: this.input.value.trim().slice(0, 40) } }));
      this.input.ariaInvalid = "true";
      return;
    }
    this.committed = this.input.value;
    this.explain("");
    this.setTo(value);
    this.showSlider(value, false);
  }

  /** The old number is back in the field; why it stayed remains to be read. */
  leave() {
    this.committed = null;
    this.input.removeAttribute("aria-invalid");
    if (this.item && this.arrays) this.input.value = number(this.value, SHOWN_DIGITS);
  }

  /** @param {string} words */
  explain(words) {
    this.write(this.why, words);
    if (!words) this.input.removeAttribute("aria-invalid");
  }

  /** All values of one drag are one thing to take back. */
  drag() {
    this.fillSlider();
    this.input.value = number(Number(this.slider.value), 3);
    this.explain("");
    if (this.dragging) return;
    const stroke = this.stroke || undefined;
    const item = this.item;
    this.dragging = setTimeout(() => {
      this.dragging = null;
      if (same(item, this.item)) this.setTo(Number(this.slider.value), stroke ? { stroke } : {});
    }, DRAG_EVERY);
  }

  frozenTarget() {
    const { kind, unit, input } = this.pinned;
    return { unit, input: kind === "link" ? input : null };
  }

  /** @param {string} mark @param {object} target */
  toggle(mark, target) {
    this.explain("");
    const on = this.buttons[mark].ariaPressed !== "true";
    this.press(this.buttons[mark], on);
    this.send(mark === "silence" ? "silence" : "freeze", { ...target, on });
  }

  remove() {
    const { address, unit } = this.pinned;
    this.network.edit.act(() => ["remove_unit", { address, unit }]);
  }

  // The links that come in

  makeIncoming() {
    const { source } = this;
    const first = new Option(this.texts.say("canvas.incoming_choose", { count: source.units }), "");
    this.sources = source.tiles.map((tile) => ({ option: new Option("", String(tile.unit)), name: this.network.names.shortName(source, tile.unit) }));
    this.incoming.replaceChildren(first, ...this.sources.map((one) => one.option));
    this.incoming.value = this.pinned.kind === "link" ? String(this.pinned.input) : "";
  }

  nameIncoming() {
    if (!this.item || !this.sources?.length || !this.arrays) return;
    const weight = this.arrays[`weight/${this.pinned.address}`];
    this.sources.forEach(({ option, name }, input) => { option.textContent = `${name}: ${number(weight[this.flat(this.pinned.unit, input)])}`; });
  }

  /** The arrow keys of the list go from link to link. */
  walk() {
    const { address, unit } = this.pinned;
    const { value } = this.incoming;
    this.network.pin(value === "" ? unitItem(this.layout, address, unit) : linkItem(this.layout, address, unit, Number(value)));
  }
}
