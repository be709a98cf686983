/** The network's drawing: tiles with each unit's own map, links by weight, and what is looked at: under the pointer, focused or pinned. */

import { css } from "../colours.js";
import { contextOf } from "../context.js";
import { Edit } from "./edit.js";
import { count, number } from "../words/format.js";
import { arrange, columnAt, nearestLink } from "./geometry.js";
import { Histograms } from "./histograms.js";
import { Inspector } from "./inspector.js";
import { USUAL, drawLinks, largestGradient, tellsSigns } from "./links.js";
import { drawBiases, drawMarks } from "./marks.js";
import { Names } from "./names.js";
import { INPUTS, findItem, followItem, linkItem, moveItem, same } from "./items.js";
import { makeNeuron } from "./neurons.js";
import { drawFrame, drawSeenLink, drawSelectedLinks } from "./seen.js";
import { drawStill } from "./still.js";
import { Tiles } from "./tiles.js";
import { Tip, wordsOf } from "./tip.js";
import { unitBeside } from "./walking.js";

const TIP_EVERY = 150; // milliseconds between changes of a tip's numbers
const GRADIENTS_LINGER = 1200; // milliseconds after the last link that was looked at
/** What the inputs of a picture or of a text are called. @type {Record<string, string>} */
const CHANNELS = { grey: "input_grey", red: "input_red", green: "input_green", blue: "input_blue", tokens: "input_tokens" };
const ROOM_BELOW = 4; // pixels under the drawing

export class Network {
  /** @type {Layout} */
  layout;
  /** @type {Arrays} */
  constants;
  /** @type {Theme} */
  theme;
  /** @type {Texts} */
  texts;
  /** @type {Geometry} */
  geometry;
  /** @type {number} */
  ratio;
  /** @type {Header} */
  header;
  /** @type {Arrays | null} */
  arrays;
  /** @type {HTMLCanvasElement} */
  links;
  /** @type {HTMLCanvasElement} */
  tiles;
  /** @type {HTMLCanvasElement} */
  still;
  /** @type {Names} */
  names;
  /** @type {string[]} */
  inputNames;
  /** @type {string[]} */
  classNames;
  /** @type {HTMLButtonElement[][]} */
  buttons;
  /** @type {Item | null} */
  hovered;
  /** @type {Item | null} */
  pinned;
  /** @type {import("./items.js").LinkItem | null} */
  linkSeen;
  /** @type {Selected | null} */
  selected;
  /** @type {Selected | null} */
  picture;
  /** @type {{layers: number, item: () => Item | null} | null} */
  carriedTo;
  /** @type {Record<string, boolean> & import("./links.js").Shows} */
  shows;
  /** @type {boolean} */
  fingers;
  /** @type {number | undefined} */
  lingering;

  /**
   * @param {HTMLElement} root
   * @param {{select: (selection: Selected | null) => void, command: Command, action: Action, want: Want}} host
   */
  constructor(root, host) {
    /** @template {HTMLElement} [Kind=HTMLElement] @param {string} name @returns {Kind} */
    const find = (name) => root.querySelector(name);
    this.panel = find(".nn-network");
    this.scroll = find(".nn-scroll");
    this.stage = find(".nn-stage");
    this.headings = find(".nn-headings");
    this.links = find(".nn-links");
    this.tiles = find(".nn-tiles");
    this.neurons = find(".nn-neurons");
    this.tip = new Tip(this.stage.querySelector(".nn-tip"), this.tiles);
    this.total = find(".nn-total");
    this.key = find(".nn-links-key");
    this.host = host;
    this.pictures = new Tiles();
    this.edit = new Edit(this.panel, host);
    this.inspector = new Inspector(this.panel, this, host);
    this.histograms = new Histograms(this.panel, { showTip: (...tip) => this.tip.show(...tip, this.geometry.width), hideTip: () => this.tip.hide() });
    this.shows = { ...USUAL, histograms: false, dead: true };
    this.hovered = null;
    this.pinned = null;
    this.settled = false;
    this.picture = null;
    this.linksRest = 0;
    this.linksDrawn = 0;
    this.stage.onpointermove = (event) => this.point(event);
    this.stage.onpointerdown = (event) => this.point(event);
    this.stage.onpointerleave = () => this.look(null);
    this.stage.onclick = (event) => this.press(event);
    this.neurons.onkeydown = (event) => this.walk(event);
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (this.panel.querySelectorAll("[data-show]"))) {
      const name = box.dataset.show ?? "";
      box.checked = this.shows[name];
      box.onchange = () => this.toggle(name, box.checked);
    }
  }

  /**
   * A new structure, width, theme or language: everything that does not move is made here. `settle` is to follow.
   * @param {Layout} layout @param {Arrays} constants @param {Theme} theme @param {Texts} texts
   * @param {number | null} room height of the canvas; null where the page scrolls
   * @param {string} dataset
   */
  build(layout, constants, theme, texts, room, dataset) {
    const before = this.layout;
    this.host.select(null);
    Object.assign(this, { layout, constants, theme, texts, arrays: null, picture: null, selected: null, linkSeen: null, settled: false });
    if (layout !== before) this.carry(before);
    /** @param {string[]} names */
    const widest = (names) => Math.ceil(Math.max(0, ...names.map((name) => this.widthOf(name))));
    this.inputNames = layout.inputs.map ? layout.inputs.labels.map((name) => (name in CHANNELS ? texts.say(`canvas.${CHANNELS[name]}`) : name)) : layout.inputs.labels;
    const output = layout.layers[layout.layers.length - 1];
    // Of answers at each step the units are tokens, of which padding has no name.
    const named = layout.output.steps ? (layout.output.tokens ?? []).map((token) => token || "∅") : layout.classes;
    this.classNames = output.units > 1 ? named.slice(0, output.shown) : [];
    const inputs = layout.features.length ? layout.features.map(({ label }) => label) : this.inputNames.slice(0, layout.inputs.shown);
    // Without what was drawn before, and with headings at their highest, the panel says how much room there is.
    this.headings.classList.add("nn-close-columns");
    for (const canvas of [this.links, this.tiles]) canvas.style.height = "0";
    this.neurons.style.height = "0";
    const height = room === null ? null : this.scroll.clientHeight - this.headings.offsetHeight - ROOM_BELOW;
    this.geometry = arrange(layout, this.scroll.clientWidth, { labels: widest(inputs), classes: widest(this.classNames) }, height);
    this.names = new Names(texts, this.geometry, this.inputNames, this.classNames);
    const { width, height: drawn } = this.geometry;
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    for (const canvas of [this.links, this.tiles]) {
      canvas.width = Math.round(width * this.ratio);
      canvas.height = Math.round(drawn * this.ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${drawn}px`;
    }
    this.stage.style.width = `${width}px`;
    this.edit.build(this, dataset);
    this.inspector.build(this);
    this.histograms.build({ ...this, layerName: (column) => this.names.layerName(column) });
    this.makeButtons();
    this.total.textContent = texts.say("canvas.total_parameters", { count: count(layout.parameters) });
    this.pictures.build(this);
    this.still = drawStill(this);
    this.linksDrawn = 0;
  }

  /** Other rows for a layout that is the same; neurons, headings and what is pinned stay. @param {Layout} layout @param {Arrays} constants */
  renew(layout, constants) {
    Object.assign(this, { layout, constants, carriedTo: null, linksDrawn: 0 });
    this.edit.renew(layout);
    this.pictures.build(this);
    this.still = drawStill(this);
    this.edit.flush();
  }

  /** An edit is under way: what is pinned goes along when the new structure comes. @param {string} verb @param {Record<string, any>} values */
  expect(verb, values) {
    const { layout } = this;
    const change = { add_layer: 1, remove_layer: -1 }[verb] ?? 0;
    this.carriedTo = { layers: layout.layers.length + change, item: () => moveItem(this.pinned, layout, verb, values) };
  }

  /** @param {Layout} before */
  carry(before) {
    this.hovered = null;
    const { carriedTo } = this;
    this.carriedTo = null;
    const item = carriedTo && carriedTo.layers === this.layout.layers.length ? carriedTo.item() : followItem(this.pinned, before, this.layout);
    this.pinned = findItem(item, this.layout);
  }

  /** After a build, when all parts stand: what was looked at is looked at again. */
  settle() {
    this.settled = true;
    this.refresh();
  }

  /** Width of a name beside a tile. @param {string} name */
  widthOf(name) {
    const context = contextOf(this.tiles);
    context.font = `400 ${12 * this.theme.type}px ${this.theme.font}`;
    return context.measureText(name).width;
  }

  /** @param {string} address */
  columnOf(address) {
    return columnAt(this.geometry, address);
  }

  /** @param {{address: string, unit: number}} item */
  tileOf({ address, unit }) {
    return this.columnOf(address).tiles[unit];
  }

  /** @param {{address: string, unit: number}} item @returns {HTMLButtonElement | undefined} */
  buttonOf({ address, unit }) {
    return this.buttons[this.geometry.tiled.indexOf(this.columnOf(address))]?.[unit];
  }

  makeButtons() {
    const focused = this.neurons.querySelector(":focus") !== null;
    const start = this.pinned ?? { address: INPUTS, unit: 0 };
    this.neurons.replaceChildren();
    this.neurons.style.height = `${this.geometry.height}px`;
    this.buttons = this.geometry.tiled.map((column) => column.tiles.map((tile) => makeNeuron(this, column, tile)));
    this.neurons.append(...this.buttons.flat());
    const first = /** @type {HTMLButtonElement} */ (this.buttonOf(start));
    first.tabIndex = 0;
    if (focused) first.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  walk(event) {
    const button = /** @type {HTMLButtonElement} */ (event.target);
    if (event.key === "Escape") {
      if (this.pinned) this.pin(null);
      else button.blur();
    }
    const other = unitBeside(this.buttons, button, event.key);
    if (!other) return;
    event.preventDefault();
    button.tabIndex = -1;
    other.tabIndex = 0;
    other.focus();
  }

  // What is looked at

  /** The pointer or the focus is on this. @param {import("./items.js").Item | null} item */
  look(item) {
    if (same(item, this.hovered)) return;
    this.hovered = item;
    this.refresh();
  }

  /** Stay with this until told otherwise. @param {Item | null} item @param {boolean} [back] the focus goes back to the drawing */
  pin(item, back = false) {
    const before = this.pinned;
    this.pinned = item;
    this.hovered = null;
    this.refresh();
    if (back && before) this.buttonOf(before)?.focus({ preventScroll: true });
  }

  /** Everything that shows what is looked at. */
  refresh() {
    if (!this.settled) return;
    const { hovered, pinned } = this;
    this.linkSeen = [hovered, pinned].find((item) => item?.kind === "link") ?? null;
    const unit = [hovered, pinned].find((item) => item?.kind === "unit") ?? null;
    this.selected = unit ? { ...unit, column: this.columnOf(unit.address), name: this.names.itemName(unit) } : null;
    this.panel.classList.toggle("nn-has-selection", this.selected !== null);
    this.panel.classList.toggle("nn-has-link", pinned?.kind === "link" && !this.selected);
    this.buttons.flat().forEach((button) => button.removeAttribute("aria-pressed"));
    if (pinned?.kind === "unit") /** @type {HTMLButtonElement} */ (this.buttonOf(pinned)).ariaPressed = "true";
    if (!same(this.inspector.item, pinned) || this.inspector.shownFor === null) this.inspector.show(pinned);
    this.wantGradients();
    if (this.arrays) {
      this.drawTiles(this.arrays);
      this.inspector.draw(this.arrays, this.header);
    }
    this.showPicture();
    this.showTip();
  }

  /** The large picture: of the unit that is looked at; of the output, to see what it loses, when the pinned unit is silenced. */
  showPicture() {
    const { selected, hovered } = this;
    const quiet = selected && !hovered && this.arrays?.[`silenced/${selected.address}`]?.[selected.unit];
    const picture = quiet ? null : selected;
    if (same(picture, this.picture)) return;
    this.picture = picture;
    this.host.select(picture);
  }

  wantGradients() {
    clearTimeout(this.lingering);
    if (this.shows.gradients || this.linkSeen) this.host.want({ gradients: true });
    else this.lingering = setTimeout(() => this.host.want({ gradients: false }), GRADIENTS_LINGER);
  }

  /** @param {string} name @param {boolean} on */
  toggle(name, on) {
    this.shows[name] = on;
    this.linksDrawn = 0;
    if (name === "histograms") {
      this.panel.classList.toggle("nn-with-histograms", on);
      this.host.want({ histograms: on });
    }
    if (name === "gradients") this.wantGradients();
    if (this.arrays) this.draw(this.arrays, this.header);
  }

  /** The pointer over the stage: the link nearest to it. @param {PointerEvent} event */
  point(event) {
    this.fingers = event.pointerType === "touch";
    if (!this.arrays || /** @type {Element} */ (event.target).closest("button, select, .nn-histogram")) return;
    this.look(this.linkAt(event));
  }

  /** @param {MouseEvent} event */
  linkAt(event) {
    const box = this.tiles.getBoundingClientRect();
    const link = nearestLink(this.geometry, event.clientX - box.left, event.clientY - box.top, this.fingers ? 14 : 6);
    return link ? linkItem(this.layout, link.address, link.to, link.from) : null;
  }

  /** @param {MouseEvent} event */
  press(event) {
    if (!this.arrays || /** @type {Element} */ (event.target).closest("button, select, .nn-histogram")) return;
    const link = this.linkAt(event);
    if (link || this.pinned) this.pin(same(link, this.pinned) ? null : link);
  }

  // Drawing

  /** Draw one frame. @param {Arrays} arrays @param {Header} header */
  draw(arrays, header) {
    this.arrays = arrays;
    this.header = header;
    const moving = header.status === "playing";
    this.pictures.read(arrays);
    const now = performance.now();
    // Hundreds of links cost more than a frame has, most of it after this script: they then move less often than the maps.
    if (!moving || now - this.linksDrawn > this.linksRest) {
      const drawn = drawLinks(contextOf(this.links), this.geometry, arrays, this.theme, this.ratio, this.shows);
      this.linksRest = drawn < 150 ? 0 : drawn < 500 ? 40 : drawn / 5;
      this.linksDrawn = now;
      this.showKey(arrays);
    }
    this.drawTiles(arrays);
    if (this.pinned) this.showPicture();
    this.edit.rest(Boolean(header.moment));
    this.inspector.draw(arrays, header);
    if (this.shows.histograms) this.histograms.draw(arrays, header);
    if (this.hovered && this.tip.visible && (!moving || now - this.tip.shown > TIP_EVERY)) this.showTip();
  }

  /** What the links mean, beside the key of colours. @param {Arrays} arrays */
  showKey(arrays) {
    const largest = largestGradient(this.geometry, arrays, this.shows);
    const words = largest === null ? "" : this.texts.say("canvas.links_gradient", { value: number(largest, 2) });
    if (this.key.textContent !== words) this.key.textContent = words;
    this.key.hidden = words === "";
    this.panel.classList.toggle("nn-signs", tellsSigns(this.geometry, arrays, this.shows));
  }

  /** @param {Arrays} arrays */
  drawTiles(arrays) {
    const context = contextOf(this.tiles);
    const { geometry, theme } = this;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, geometry.width, geometry.height);
    context.drawImage(this.still, 0, 0, geometry.width, geometry.height);
    if (this.selected) drawSelectedLinks(context, this, this.selected, arrays);
    if (this.linkSeen) drawSeenLink(context, this, this.linkSeen, arrays);
    this.pictures.draw(context);
    if (this.pinned?.kind === "unit") drawFrame(context, this.tileOf(this.pinned), css(theme.primary), 3);
    if (this.hovered?.kind === "unit" && !same(this.hovered, this.pinned)) drawFrame(context, this.tileOf(this.hovered), css(theme.text), 2);
    drawMarks(context, geometry, arrays, theme, this.shows.dead);
    drawBiases(context, geometry, arrays, theme);
  }

  showTip() {
    const item = this.hovered;
    if (!item || !this.arrays) {
      this.tip.hide();
      return;
    }
    const { x, y, lines } = wordsOf(this, item, this.arrays);
    this.tip.show(x, y, lines, this.geometry.width);
  }

  destroy() {
    clearTimeout(this.lingering);
    this.edit.destroy();
  }
}
