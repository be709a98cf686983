/** One of the runs: its channel, what came over it, and its card. */

import { Channel } from "../canvas/channel.js";
import { easelOf } from "../canvas/easel.js";
import { css } from "../canvas/colours.js";
import { History } from "../canvas/curves/history.js";
import { count, loss } from "../canvas/words/format.js";
import { SmallNetwork, drawOutput, prepared } from "./small.js";

const CONSTANTS = ["points/train", "points/train_target", "input_maps", "examples/train", "examples/test", "examples/test_target"];
/** @typedef {{id: number, token: string, life: number, name: string, present: boolean}} RunData  what Python tells of a run */

const LARGEST_MAP = 230;
const NETWORK_HEIGHT = 118;
/** @type {Partial<Record<Status, string>>} */
const WHY_NOT = { early_stopped: "out_early_stopped", diverged: "out_diverged", epoch_limit: "out_epoch_limit" };
const RENEW_EVERY = 1000; // milliseconds

export class Run {
  /** @type {string} */
  name;
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {Rgb} */
  colour;
  /** @type {Header | null} */
  header;
  /** @type {Layout | null} */
  layout;
  /** @type {Arrays} */
  arrays;
  /** @type {Arrays} */
  constants;
  /** @type {number | undefined} */
  version;
  /** @type {Connection} */
  state;
  /** @type {HTMLElement} */
  note;
  /** @type {HTMLButtonElement} */
  anyway;
  /** @type {HTMLElement} */
  card;
  /** @type {HTMLElement} */
  swatch;
  /** @type {HTMLInputElement} */
  input;
  /** @type {HTMLCanvasElement} */
  map;
  /** @type {HTMLCanvasElement} */
  drawing;
  /** @type {HTMLElement} */
  facts;
  /** @type {HTMLElement} */
  badge;
  /** @type {HTMLButtonElement} */
  goOn;
  /** @type {HTMLButtonElement} */
  remove;
  /** @type {boolean} */
  stale;
  /** @type {boolean} */
  unanswered;
  /** @type {number | undefined} */
  renewing;

  /**
   * @param {RunData} told
   * @param {URL} api @param {{changed: (run: Run) => void, action: (verb: string, values: object) => void}} host
   */
  constructor(told, api, host) {
    this.host = host;
    this.id = told.id;
    this.token = told.token;
    this.life = told.life;
    this.header = null;
    this.layout = null;
    this.history = new History();
    this.goesOn = false; // whether it is to train on after an early stop
    /** @type {number | null | undefined} */
    this.speed = undefined; // that was set here
    this.network = new SmallNetwork();
    this.makeCard();
    const address = new URL(`live/${told.token}`, api);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.channel = new Channel(address.href, {
      onState: (state) => this.connected(state),
      onFrame: (frame) => this.receive(frame),
      onNotice: () => {},
    }, easelOf(new URL("../painter/bundle.js", import.meta.url)));
  }

  /** @param {Connection} state */
  connected(state) {
    this.state = state;
    if (state === "open") this.ask();
    clearInterval(this.renewing);
    // Python brings it back. Streamlit's own socket may not be there yet, and then the event is lost.
    if (state === "gone") this.renewing = setInterval(() => this.host.action("renew", {}), RENEW_EVERY);
    this.host.changed(this);
  }

  /** @param {string} verb @param {unknown} value */
  command(verb, value) {
    this.channel.command(verb, value);
  }

  /** The next frame, please, while this one is drawn. */
  answer() {
    if (!this.unanswered) return;
    this.unanswered = false;
    this.ask();
  }

  ask() {
    this.channel.ready({
      history: this.history.length, version: this.version ?? null, moments: null, now: false, wants: null,
    });
  }

  /** @param {Frame} frame */
  receive({ header, arrays }) {
    if (header.layout) {
      this.layout = header.layout;
      this.constants = Object.fromEntries(CONSTANTS.map((name) => [name, arrays[name]]));
    }
    this.version = header.version;
    this.header = header;
    this.arrays = arrays;
    this.history.merge(header, arrays.history);
    this.stale = this.unanswered = true;
    this.host.changed(this);
  }

  /** What the words and the pair's map need to know. */
  get known() {
    const { name, header, layout, constants, arrays } = this;
    return header && layout && { name, header, dataset: layout.output.dataset, layout, constants, arrays };
  }

  makeCard() {
    /** @template {keyof HTMLElementTagNameMap} Tag @param {Tag} tag @param {string} className */
    const make = (tag, className, more = {}) => Object.assign(document.createElement(tag), { className, ...more });
    this.card = make("li", "cmp-run");
    this.card.dataset.run = String(this.id);
    this.swatch = make("span", "cmp-swatch");
    this.input = make("input", "cmp-name", { type: "text", maxLength: 40, autocomplete: "off" });
    this.input.onchange = () => this.host.action("rename", { run: this.id, name: this.input.value });
    this.input.onkeydown = (event) => {
      if (event.key === "Enter") this.input.blur();
      if (event.key === "Escape") this.input.value = this.name;
    };
    this.map = make("canvas", "cmp-map", { role: "img" });
    this.drawing = make("canvas", "cmp-network");
    this.facts = make("p", "cmp-facts");
    this.note = make("p", "cmp-note");
    this.anyway = make("button", "cmp-small", { type: "button", onclick: () => this.goOnAnyway() });
    this.badge = make("span", "cmp-badge");
    this.goOn = make("button", "cmp-small", { type: "button", onclick: () => this.host.action("go_on", { run: this.id }) });
    this.remove = make("button", "cmp-small", { type: "button", onclick: () => this.host.action("remove", { run: this.id }) });
    const head = make("div", "cmp-run-head");
    head.append(this.swatch, this.input);
    const foot = make("div", "cmp-run-foot");
    foot.append(this.badge, this.goOn, this.remove);
    const pictures = make("div", "cmp-pictures");
    pictures.append(this.map, this.drawing);
    this.card.append(head, pictures, this.facts, this.note, this.anyway, foot);
  }

  /** Names and colours. @param {{name: string, present: boolean}} told @param {Theme} theme @param {Texts} texts @param {Rgb} colour */
  dress({ name, present }, theme, texts, colour) {
    this.name = name;
    this.theme = theme;
    this.texts = texts;
    this.colour = colour;
    /** @type {Say} */
    const say = (key, values) => texts.say(`compare.${key}`, values);
    if (this.input !== /** @type {Document | ShadowRoot} */ (this.input.getRootNode()).activeElement) this.input.value = name;
    this.input.ariaLabel = say("name", { name });
    this.swatch.style.background = css(colour);
    this.badge.textContent = present ? say("present") : "";
    this.badge.hidden = !present;
    this.goOn.hidden = present;
    this.goOn.textContent = say("go_on");
    this.goOn.ariaLabel = `${say("go_on")}: ${name}`;
    this.remove.textContent = "×";
    this.remove.title = this.remove.ariaLabel = say("remove", { name });
    this.anyway.textContent = say("go_on_anyway");
    this.anyway.ariaLabel = `${say("go_on_anyway")}: ${name}`;
    this.map.ariaLabel = say("picture", { name });
    this.stale = true;
  }

  /** Draw what has come since the last time. */
  draw() {
    if (!this.stale || !this.header || !this.layout || !this.theme) return;
    this.stale = false;
    const width = this.card.clientWidth - 26;
    if (width <= 0) return;
    const side = Math.min(width, LARGEST_MAP);
    const moment = { layout: this.layout, constants: this.constants, arrays: this.arrays };
    const [map, size] = prepared(this.map, side, side);
    drawOutput(map, size, moment, this.theme);
    const [drawing, wide, high] = prepared(this.drawing, width, NETWORK_HEIGHT);
    this.network.draw(drawing, wide, high, moment, this.theme);
    const ariaLabel = this.texts.say("compare.drawing", { name: this.name, parameters: count(this.layout.parameters) });
    Object.assign(this.drawing, { role: "img", ariaLabel });  // An image only now: one without a name would be announced as such.
    const { header } = this;
    /** @param {string} key */
    const say = (key) => this.texts.watching(header.watched).say(`canvas.${key}`);
    const words = [
      this.texts.say(`compare.${header.status}`),
      `${say("epoch_label")} ${count(header.epoch)}`,
      `${say("train_loss")} ${loss(header.losses.train)}`,
      `${say("test_loss")} ${loss(header.losses.test)}`,
    ].join(" · ");
    if (this.facts.textContent !== words) this.facts.textContent = words;
    this.sayWhyNot();
    Object.assign(this.card.dataset, { step: header.step, status: header.status, epoch: header.epoch });
  }

  /** Why the common Play does not train it, where that is so; an early stop is for the reader to overrule. */
  sayWhyNot() {
    const status = this.header?.status ?? "paused";
    const key = this.goesOn ? "goes_on" : WHY_NOT[status];
    const words = key ? this.texts.say(`compare.${key}`) : "";
    if (this.note.textContent !== words) this.note.textContent = words;
    this.note.hidden = !words;
    this.anyway.hidden = this.goesOn || status !== "early_stopped";
  }

  goOnAnyway() {
    this.goesOn = true;
    this.sayWhyNot();
  }

  close() {
    clearInterval(this.renewing);
    this.channel.close();
    this.card.remove();
  }
}
