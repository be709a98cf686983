/** The network's drawing: headings, tiles with each unit's own map, links by weight, biases, dropout markers. */

import { css } from "./colours.js";
import { count, featureName, number } from "./format.js";
import { arrange, nearestLink } from "./geometry.js";
import { Atlas, drawBars, drawCurve } from "./maps.js";
import { drawStill } from "./still.js";
import { drawLink, drawLinks, shadeOf } from "./links.js";

export class Network {
  /**
   * @param {HTMLElement} root
   * @param {{select: (selection: {dense: number, unit: number, name: string, column: object} | null) => void,
   *          command: (verb: string, value?: any) => void, action: (verb: string, values?: object) => void, want: (wants: object) => void}} host
   */
  constructor(root, host) {
    const find = (name) => root.querySelector(name);
    this.panel = find(".nn-network");
    this.scroll = find(".nn-scroll");
    this.stage = find(".nn-stage");
    this.headings = find(".nn-headings");
    this.links = find(".nn-links");
    this.tiles = find(".nn-tiles");
    this.neurons = find(".nn-neurons");
    this.tip = this.stage.querySelector(".nn-tip");
    this.total = find(".nn-total");
    this.host = host;
    this.atlas = new Atlas();
    this.inputAtlas = new Atlas();
    this.selected = null;
    this.linksRest = 0;
    this.linksDrawn = 0;
    this.stage.onpointermove = (event) => this.point(event);
    this.stage.onpointerdown = (event) => this.point(event);
    this.stage.onpointerleave = () => this.hideTip();
    this.neurons.onkeydown = (event) => this.walk(event);
  }

  /** A new structure, width, theme or language: everything that does not move is made here. */
  build(layout, constants, theme, texts, dataset) {
    this.layout = layout;
    this.constants = constants;
    this.theme = theme;
    this.texts = texts;
    const context = this.tiles.getContext("2d");
    context.font = this.font(12);
    const widest = (names) => Math.ceil(Math.max(0, ...names.map((name) => context.measureText(name).width)));
    this.inputNames = layout.inputs.names.map(featureName);
    const output = layout.layers.at(-1);
    this.classNames = output.units > 1 ? layout.classes.slice(0, output.shown) : [];
    this.geometry = arrange(layout, this.scroll.clientWidth, {
      labels: widest(this.inputNames.slice(0, layout.inputs.shown)), classes: widest(this.classNames),
    });
    const { width, height } = this.geometry;
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    for (const canvas of [this.links, this.tiles]) {
      canvas.width = Math.round(width * this.ratio);
      canvas.height = Math.round(height * this.ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.stage.style.width = `${width}px`;
    this.makeHeadings(dataset);
    this.makeButtons();
    this.total.textContent = texts.say("canvas.total_parameters", { count: count(layout.parameters) });
    this.prepareAtlases();
    this.still = drawStill({
      layout, constants, theme, texts, geometry: this.geometry, inputNames: this.inputNames, classNames: this.classNames, ratio: this.ratio,
    });
    this.linksDrawn = 0;
  }

  font(size, weight = 400) {
    return `${weight} ${size}px ${this.theme.font}`;
  }

  layerName(column) {
    if (column.kind === "inputs") return this.texts.say("canvas.inputs");
    if (column.kind === "output") return this.texts.say("canvas.output");
    return this.texts.say("canvas.hidden", { number: column.dense + 1 });
  }

  unitName(column, unit) {
    if (column.kind === "inputs") return this.texts.say("canvas.input_unit", { name: this.inputNames[unit] ?? unit + 1 });
    if (column.kind === "output") {
      return column.units > 1 ? this.texts.say("canvas.output_unit", { name: this.classNames[unit] }) : this.layerName(column);
    }
    return this.texts.say("canvas.unit", { layer: this.layerName(column), number: unit + 1 });
  }

  makeHeadings(dataset) {
    const { columns, thumb, step, phone, width: stage } = this.geometry;
    const say = (key, values) => this.texts.say(`canvas.${key}`, values);
    this.headings.replaceChildren();
    const add = (center, width, kind, lines) => {
      const heading = document.createElement("div");
      heading.className = `nn-heading nn-heading-${kind}`;
      heading.style.left = `${Math.max(0, Math.min(center - width / 2, stage - width))}px`;
      heading.style.width = `${width}px`;
      for (const [name, line] of lines) {
        const element = document.createElement("span");
        element.className = `nn-heading-${name}`;
        element.textContent = line;
        heading.append(element);
      }
      if (lines.length) heading.title = lines.map(([, line]) => line).join(" · ");
      this.headings.append(heading);
    };
    const { rows } = this.layout;
    add(thumb.x + thumb.size / 2, thumb.size + (phone ? 8 : 26), "data", [
      ["name", say("data")], ["what", dataset], ["shape", say("rows", { count: count(rows.train + rows.test) })],
    ]);
    let before = this.layout.inputs.units;
    const dense = this.geometry.dense.length;
    for (const column of columns) {
      const { layer } = column;
      if (column.kind === "dropout") {
        add(column.center, 60, "dropout", [["dropout", say("dropout", { p: number(layer.p, 3) })]]);
        continue;
      }
      if (column.kind === "inputs") {
        add(column.center, Math.min(step, 110), "inputs", [["name", this.layerName(column)], ["what", say(layer.units === 1 ? "one_unit" : "units", { count: layer.units })]]);
        continue;
      }
      // Where columns stand close the numbers go without their words.
      const parameters = count(layer.parameters);
      add(column.center, Math.min(step - 2, 100), column.kind, [
        ["name", step < 70 && dense > 9 ? this.layerName(column).replace(/^(\D)\D*?(\d+)$/, "$1$2") : this.layerName(column)],
        ["what", layer.activation],
        ["shape", `${before} → ${layer.units}`],
        ["parameters", step < 78 ? say("parameters_short", { count: parameters }) : say("parameters", { count: parameters })],
      ]);
      before = layer.units;
    }
  }

  makeButtons() {
    const focused = this.neurons.querySelector(":focus") !== null;
    this.neurons.replaceChildren();
    this.neurons.style.height = `${this.geometry.height}px`;
    this.buttons = this.geometry.dense.map((column) => column.tiles.map((tile) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "nn-neuron";
      button.tabIndex = -1;
      button.ariaLabel = this.unitName(column, tile.unit);
      button.style.cssText = `left:${tile.x - 1}px;top:${tile.y - 1}px;width:${tile.size + 2}px;height:${tile.size + 2}px;border-radius:${tile.size * 0.13 + 2}px`;
      const select = () => this.select(column, tile.unit);
      button.onpointerenter = select;
      button.onfocus = select;
      button.onclick = select;
      button.onpointerleave = () => (button.matches(":focus-visible") ? null : this.select(null));
      button.onblur = () => this.select(null);
      this.neurons.append(button);
      return button;
    }));
    this.buttons[0][0].tabIndex = 0;
    if (focused) this.buttons[0][0].focus();
  }

  /** Arrow keys go from unit to unit: one stop for the tab key, however many units there are. */
  walk(event) {
    const moves = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const move = moves[event.key];
    if (event.key === "Escape") event.target.blur();
    if (!move) return;
    event.preventDefault();
    const column = this.buttons.findIndex((buttons) => buttons.includes(event.target));
    const unit = this.buttons[column].indexOf(event.target);
    const next = this.buttons[Math.max(0, Math.min(this.buttons.length - 1, column + move[0]))];
    const button = next[Math.max(0, Math.min(next.length - 1, unit + move[1]))];
    event.target.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  }

  select(column, unit) {
    if (!column) {
      if (!this.selected) return;
      this.selected = null;
    } else {
      if (this.selected && this.selected.column === column && this.selected.unit === unit) return;
      this.selected = { column, unit, dense: column.dense, name: this.unitName(column, unit) };
    }
    this.panel.classList.toggle("nn-has-selection", this.selected !== null);
    if (this.arrays) this.drawTiles(this.arrays);
    this.host.select(this.selected);
    this.showUnitTip();
  }

  showUnitTip() {
    if (!this.selected || !this.arrays) {
      this.hideTip();
      return;
    }
    const { column, unit, dense } = this.selected;
    const tile = column.tiles[unit];
    const lines = [this.unitName(column, unit)];
    if (dense >= 0) lines.push(this.texts.say("canvas.bias", { value: number(this.arrays[`bias/${dense}`][unit]) }));
    this.showTip(tile.x + tile.size / 2, tile.y, lines);
  }

  prepareAtlases() {
    const { layout, geometry } = this;
    this.kind = layout.map.kind;
    if (this.kind !== "plane") return;
    const { rows, columns } = layout.map;
    const hidden = geometry.dense.slice(1);
    const largest = Math.max(...hidden.map((column) => column.size));
    // A map finer than its tile is read at every second or third pixel.
    const stride = Math.max(1, Math.floor(Math.min(rows, columns) / (largest * this.ratio)));
    this.atlas.prepare(hidden.reduce((sum, column) => sum + column.shown, 0), rows, columns, stride);
    this.inputAtlas.prepare(geometry.dense[0].shown, rows, columns, 1);
    this.inputAtlas.write(this.constants.input_maps, geometry.dense[0].shown, 0, this.theme.ramp);
    this.inputAtlas.upload();
  }

  /** Draw one frame. @param {Record<string, any>} arrays @param {object} header */
  draw(arrays, header) {
    this.arrays = arrays;
    this.header = header;
    const moving = header.status === "playing";
    if (this.kind === "plane") {
      let first = 0;
      for (const column of this.geometry.dense.slice(1)) {
        this.atlas.write(arrays[`maps/${column.dense}`], column.shown, first, this.theme.ramp);
        first += column.shown;
      }
      this.atlas.upload();
    }
    const now = performance.now();
    // A thousand links cost more than a frame has, most of it after this script: they then move less often than the maps.
    if (!moving || now - this.linksDrawn > this.linksRest) {
      const drawn = drawLinks(this.links.getContext("2d"), this.geometry, arrays, this.theme, this.ratio);
      this.linksRest = drawn < 500 ? 0 : drawn / 5;
      this.linksDrawn = now;
    }
    this.drawTiles(arrays);
  }

  drawTiles(arrays) {
    const context = this.tiles.getContext("2d");
    const { geometry, theme } = this;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, geometry.width, geometry.height);
    context.drawImage(this.still, 0, 0, geometry.width, geometry.height);
    if (this.selected) this.drawSelectedLinks(context, arrays);
    let first = 0;
    for (const column of geometry.dense) {
      const bytes = column.dense < 0 ? this.constants.input_maps : arrays[`maps/${column.dense}`];
      const line = this.kind === "bars" ? this.layout.map.groups.length : this.layout.map.columns;
      const atlas = column.dense < 0 ? this.inputAtlas : this.atlas;
      for (const tile of column.tiles) {
        if (this.kind === "plane") atlas.draw(context, column.dense < 0 ? tile.unit : first + tile.unit, tile.x, tile.y, tile.size);
        else if (this.kind === "bars") drawBars(context, bytes, tile.unit * line, line, tile.x, tile.y, tile.size, theme);
        else drawCurve(context, bytes, tile.unit * line, line, tile.x, tile.y, tile.size, theme);
      }
      if (column.dense >= 0) first += column.shown;
    }
    context.strokeStyle = css(theme.text, theme.dark ? 0.34 : 0.3);
    context.lineWidth = 1;
    context.beginPath();
    for (const column of geometry.dense) {
      for (const tile of column.tiles) context.roundRect(tile.x, tile.y, tile.size, tile.size, tile.size * 0.13);
    }
    context.stroke();
    this.drawBiases(context, arrays);
    if (this.selected) {
      const tile = this.selected.column.tiles[this.selected.unit];
      context.strokeStyle = css(theme.text);
      context.lineWidth = 2;
      context.beginPath();
      context.roundRect(tile.x - 1, tile.y - 1, tile.size + 2, tile.size + 2, tile.size * 0.13 + 1);
      context.stroke();
    }
  }

  drawBiases(context, arrays) {
    for (const column of this.geometry.dense) {
      if (column.dense < 0) continue;
      const bias = arrays[`bias/${column.dense}`];
      const radius = Math.max(1.6, Math.min(4, column.size * 0.1));
      for (const tile of column.tiles) {
        context.beginPath();
        context.arc(tile.x, tile.y + tile.size - radius, radius, 0, 7);
        context.fillStyle = css(shadeOf(bias[tile.unit], this.theme));
        context.fill();
        context.strokeStyle = css(this.theme.panel);
        context.lineWidth = radius > 2 ? 1.2 : 0.6;
        context.stroke();
      }
    }
  }

  drawSelectedLinks(context, arrays) {
    const { column, unit, dense } = this.selected;
    const at = this.geometry.dense.indexOf(column);
    const before = this.geometry.dense[at - 1];
    const after = this.geometry.dense[at + 1];
    if (before) {
      const weight = arrays[`weight/${dense}`];
      for (const tile of before.tiles) drawLink(context, tile, column.tiles[unit], weight[unit * before.shown + tile.unit], this.theme);
    }
    if (after) {
      const weight = arrays[`weight/${after.dense}`];
      for (const tile of after.tiles) drawLink(context, column.tiles[unit], tile, weight[tile.unit * column.shown + unit], this.theme);
    }
  }

  point(event) {
    if (event.target.classList.contains("nn-neuron") || !this.arrays) return;
    const box = this.tiles.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const link = nearestLink(this.geometry, x, y, event.pointerType === "touch" ? 12 : 5);
    if (!link) {
      this.hideTip();
      return;
    }
    const [source, target] = [this.geometry.dense[link.dense], this.geometry.dense[link.dense + 1]];
    const weight = this.arrays[`weight/${link.dense}`][link.to * source.shown + link.from];
    this.showTip(x, y - 6, [
      `${this.unitName(source, link.from)} → ${this.unitName(target, link.to)}`,
      this.texts.say("canvas.weight", { value: number(weight) }),
    ]);
  }

  showTip(x, y, lines) {
    this.tip.replaceChildren(...lines.map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    this.tip.hidden = false;
    const half = this.tip.offsetWidth / 2;
    const left = Math.max(half + 2, Math.min(this.geometry.width - half - 2, x));
    this.tip.style.transform = `translate(${left - half}px, ${this.tiles.offsetTop + y - this.tip.offsetHeight - 6}px)`;
  }

  hideTip() {
    this.tip.hidden = true;
  }
}
