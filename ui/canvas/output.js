/** The large map: what the network answers over the plane, with the data's points on it; or one unit's own map, while it is looked at. */

import { css, rampGradient } from "./colours.js";
import { featureName, number, percent } from "./format.js";
import { drawAxes, drawGroups, ticks } from "./axes.js";
import { pointColour } from "./still.js";

const MARGIN = { left: 34, right: 4, top: 4, bottom: 30 };

export class Output {
  /** @param {HTMLElement} root @param {{command: Function, action: Function, want: Function}} host as in network.js */
  constructor(root, host) {
    this.host = host;
    const find = (name) => root.querySelector(name);
    this.title = find(".nn-output-title");
    this.note = find(".nn-output-note");
    this.frame = find(".nn-map");
    this.image = find(".nn-map-image");
    this.curve = find(".nn-map-curve");
    this.points = find(".nn-map-points");
    this.tip = find(".nn-map-tip");
    this.legend = find(".nn-legend");
    this.caption = find(".nn-caption");
    this.discretizeToggle = find('[data-toggle="discretize"]').closest("label");
    this.selection = null;
    this.showTest = true;
    this.discretize = false;
    this.frame.onpointermove = (event) => this.point(event);
    this.frame.onpointerdown = (event) => this.point(event);
    this.frame.onpointerleave = () => { this.tip.hidden = true; };
  }

  /** A new structure, width, theme or language. */
  build(layout, constants, theme, texts) {
    Object.assign(this, { layout, constants, theme, texts });
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    this.width = this.frame.clientWidth;
    this.size = this.width - MARGIN.left - MARGIN.right;
    this.height = this.size + MARGIN.top + MARGIN.bottom;
    this.frame.style.height = `${this.height}px`;
    for (const canvas of [this.curve, this.points]) {
      canvas.width = Math.round(this.width * this.ratio);
      canvas.height = Math.round(this.height * this.ratio);
      canvas.style.cssText = `width:${this.width}px;height:${this.height}px`;
    }
    this.image.style.cssText = `left:${MARGIN.left}px;top:${MARGIN.top}px;width:${this.size}px;height:${this.size}px`;
    this.pixelsShape = "";
    this.describe();
    this.drawPoints();
  }

  /** What is looked at: the output, or a unit of the network. */
  get view() {
    const { output, map } = this.layout;
    if (!this.selection) return { kind: output.kind === "projection" ? "plane" : output.kind, ...this.ranges(output), names: output.axes };
    if (map.kind === "bars") return { kind: "bars" };
    return { kind: map.kind, ...this.ranges(map), names: output.axes };
  }

  ranges(source) {
    return { x: source.x_range, y: source.y_range ?? this.layout.output.value_range };
  }

  select(selection) {
    this.selection = selection;
    if (!this.layout) return;
    this.pixelsShape = "";
    this.describe();
    this.drawPoints();
    if (this.arrays) this.draw(this.arrays);
  }

  toggle(name, on) {
    this[name === "test" ? "showTest" : "discretize"] = on;
    if (!this.layout) return;
    this.drawPoints();
    if (this.arrays) this.draw(this.arrays);
  }

  /** Title, legend and caption; all text, so all of it through textContent. */
  describe() {
    const { layout, texts, theme, selection } = this;
    const say = (key, values) => texts.say(`canvas.${key}`, values);
    this.title.textContent = selection ? selection.name : say("output");
    this.note.textContent = "";
    this.noteScale = null;
    this.legend.replaceChildren();
    const label = (text, className) => Object.assign(document.createElement("span"), { textContent: text, className });
    const scale = (low, high, middle) => {
      const ramp = label("", "nn-ramp");
      ramp.style.background = rampGradient(theme);
      this.legend.append(label(low, "nn-ramp-low"), ramp, label(high, "nn-ramp-high"));
      if (middle) ramp.title = middle;
    };
    if (selection && layout.map.kind === "plane") scale(say("negative"), say("positive"));
    else if (selection) this.legend.append(label("", ""));
    else if (layout.task === "classification" && layout.classes.length > 2) {
      layout.classes.forEach((name, index) => {
        const item = label("", "nn-class");
        const swatch = label("", "nn-swatch");
        swatch.style.background = css(theme.palette[index % theme.palette.length]);
        item.append(swatch, label(name, ""));
        this.legend.append(item);
      });
    } else if (layout.task === "classification") {
      scale(say("class", { name: layout.classes[0] }), say("class", { name: layout.classes[1] }));
    } else if (layout.output.kind !== "line") {
      const [low, high] = layout.output.value_range;
      scale(number(low), number(high));
    }
    this.legend.hidden = this.legend.childElementCount === 0;
    this.discretizeToggle.hidden = layout.output.kind === "line";
    let caption = "";
    if (selection && layout.map.kind === "bars") caption = say("groups_caption");
    else if (!selection && layout.output.kind === "projection") {
      caption = say("projection_caption", {
        first: percent(layout.output.explained[0], 0), second: percent(layout.output.explained[1], 0),
      });
    } else if (!selection && layout.output.kind === "line") caption = say("line_caption");
    this.caption.textContent = caption;
    this.caption.hidden = caption === "";
    this.points.ariaLabel = say("output_picture", { dataset: this.title.textContent });
  }

  /** Points and axes: drawn when something changed, not at each frame. */
  drawPoints() {
    const { theme, view } = this;
    const context = this.points.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.box = { x: MARGIN.left, y: MARGIN.top, size: this.size };
    this.image.hidden = view.kind !== "plane";
    if (view.kind === "bars") return;
    const names = view.names.map(featureName);
    drawAxes(context, this.box, view, names, theme, view.kind === "line");
    if (view.kind === "line" && this.selection) return;
    context.save();
    context.beginPath();
    context.rect(MARGIN.left, MARGIN.top, this.size, this.size);
    context.clip();
    if (this.showTest) this.drawSplit(context, "test", view);
    this.drawSplit(context, "train", view);
    context.restore();
  }

  drawSplit(context, split, view) {
    const points = this.constants[`points/${split}`];
    const targets = this.constants[`points/${split}_target`];
    if (!targets || !targets.length) return;
    const { theme, box } = this;
    const radius = (targets.length > 800 ? 2.1 : targets.length > 300 ? 2.7 : 3.3) * (split === "test" ? 0.92 : 1);
    for (let i = 0; i < targets.length; i += 1) {
      const x = box.x + ((points[2 * i] - view.x[0]) / (view.x[1] - view.x[0])) * box.size;
      const y = box.y + (1 - (points[2 * i + 1] - view.y[0]) / (view.y[1] - view.y[0])) * box.size;
      const colour = pointColour(targets[i], this.layout, theme);
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      if (split === "train") {
        context.fillStyle = css(colour);
        context.fill();
        context.strokeStyle = css(theme.ring, 0.95);
        context.lineWidth = targets.length > 500 ? 0.7 : 1;
      } else {
        // Hollow, with a dark rim, so that it is told from a training point on any ground.
        context.fillStyle = css(theme.zero, 0.85);
        context.fill();
        context.strokeStyle = css(colour);
        context.lineWidth = 1.6;
      }
      context.stroke();
    }
  }

  /** One frame. @param {Record<string, any>} arrays @param {object} header */
  draw(arrays, header = this.header) {
    this.arrays = arrays;
    this.header = header;
    const view = this.view;
    if (this.selection) this.showRange(arrays);
    if (view.kind === "plane") this.drawImage(arrays);
    else this.drawCurve(arrays, view);
    if (view.kind === "plane" && this.curveDrawn) {
      this.curve.getContext("2d").clearRect(0, 0, this.curve.width, this.curve.height);
      this.curveDrawn = false;
    }
  }

  /** The range of the unit that is looked at; its scale moves while it learns. */
  showRange(arrays) {
    const { dense, unit } = this.selection;
    const scale = dense < 0 ? 1 : arrays[`scales/${dense}`][unit];
    const shown = number(scale, 2);
    if (dense < 0 || shown === this.noteScale) return;
    this.noteScale = shown;
    this.note.textContent = this.texts.say("canvas.range", { low: number(-scale, 2), high: shown });
  }

  preparePixels(rows, columns) {
    const shape = `${rows}x${columns}`;
    if (shape === this.pixelsShape) return;
    this.pixelsShape = shape;
    this.image.width = columns;
    this.image.height = rows;
    this.imageData = this.image.getContext("2d").createImageData(columns, rows);
    this.pixels = new Uint32Array(this.imageData.data.buffer);
  }

  drawImage(arrays) {
    const { theme, selection } = this;
    if (selection) this.fillFromUnit(arrays, selection);
    else {
      const { rows, columns } = this.layout.output;
      this.preparePixels(rows, columns);
      const { pixels, discretize } = this;
      if (arrays.output_class) {
        const [kinds, certainty] = [arrays.output_class, arrays.output_certainty];
        const ramps = theme.classRamps;
        for (let i = 0; i < pixels.length; i += 1) pixels[i] = ramps[kinds[i] % ramps.length][discretize ? 235 : certainty[i]];
      } else this.fill(arrays.output, 0);
    }
    this.image.getContext("2d").putImageData(this.imageData, 0, 0);
  }

  fillFromUnit(arrays, { dense, unit }) {
    const { rows, columns } = this.layout.map;
    this.preparePixels(rows, columns);
    this.fill(dense < 0 ? this.constants.input_maps : arrays[`maps/${dense}`], unit * rows * columns);
  }

  fill(bytes, start) {
    const { pixels, discretize } = this;
    const { ramp } = this.theme;
    if (discretize) for (let i = 0; i < pixels.length; i += 1) pixels[i] = ramp[bytes[start + i] < 128 ? 20 : 236];
    else for (let i = 0; i < pixels.length; i += 1) pixels[i] = ramp[bytes[start + i]];
  }

  /** A unit's values: bytes to numbers by its scale. */
  unitValues(arrays, { dense, unit }, length) {
    const bytes = dense < 0 ? this.constants.input_maps : arrays[`maps/${dense}`];
    const scale = dense < 0 ? 1 : arrays[`scales/${dense}`][unit];
    return Array.from({ length }, (_, i) => ((bytes[unit * length + i] - 128) / 127) * scale);
  }

  drawCurve(arrays, view) {
    const context = this.curve.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.curveDrawn = true;
    const { theme, box } = this;
    if (view.kind === "bars") {
      const { groups } = this.layout.map;
      drawGroups(context, box, groups, this.unitValues(arrays, this.selection, groups.length), theme);
      return;
    }
    const values = this.selection ? this.unitValues(arrays, this.selection, this.layout.map.columns) : arrays.output_line;
    let [low, high] = view.y;
    if (this.selection) {
      high = Math.max(1e-6, ...values.map(Math.abs)) * 1.1;
      low = -high;
      // The unit has a range of its own: its axis moves with it.
      const axes = this.points.getContext("2d");
      axes.clearRect(0, 0, this.width, this.height);
      drawAxes(axes, box, { x: view.x, y: [low, high] }, [featureName(view.names[0]), ""], theme, true);
    }
    context.fillStyle = css(theme.zero, 0.6);
    context.fillRect(box.x, box.y, box.size, box.size);
    context.save();
    context.beginPath();
    context.rect(box.x, box.y, box.size, box.size);
    context.clip();
    context.beginPath();
    values.forEach((value, i) => {
      context.lineTo(box.x + (i / (values.length - 1)) * box.size, box.y + (1 - (value - low) / (high - low)) * box.size);
    });
    context.strokeStyle = css(theme.text, 0.9);
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.stroke();
    context.restore();
  }

  /** The value under the pointer, in words. */
  point(event) {
    if (!this.arrays) return;
    const view = this.view;
    const bounds = this.frame.getBoundingClientRect();
    const u = (event.clientX - bounds.left - MARGIN.left) / this.size;
    const v = (event.clientY - bounds.top - MARGIN.top) / this.size;
    if (view.kind === "bars" || u < 0 || u >= 1 || v < 0 || v >= 1) {
      this.tip.hidden = true;
      return;
    }
    const x = view.x[0] + u * (view.x[1] - view.x[0]);
    const names = view.names.map(featureName);
    const digits = (range) => Math.max(2, ticks(range, 5).decimals + 1);
    const place = [`${names[0]} ${x.toFixed(digits(view.x)).replace("-", "−")}`];
    if (view.kind === "plane") {
      const y = view.y[1] - v * (view.y[1] - view.y[0]);
      place.push(`${names[1]} ${y.toFixed(digits(view.y)).replace("-", "−")}`);
    }
    this.tip.replaceChildren(...[place.join("  "), this.valueAt(u, v)].map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    this.tip.hidden = false;
    const half = this.tip.offsetWidth / 2;
    const left = Math.max(half, Math.min(this.width - half, event.clientX - bounds.left));
    this.tip.style.transform = `translate(${left - half}px, ${Math.max(0, event.clientY - bounds.top - this.tip.offsetHeight - 12)}px)`;
  }

  valueAt(u, v) {
    const { layout, arrays, selection, texts } = this;
    const say = (key, values) => texts.say(`canvas.${key}`, values);
    const source = selection ? layout.map : layout.output;
    const column = Math.floor(u * source.columns);
    if (source.kind === "line") {
      const values = selection ? this.unitValues(arrays, selection, source.columns) : arrays.output_line;
      return say("predicted", { value: number(values[column]) });
    }
    const index = Math.floor(v * source.rows) * source.columns + column;
    if (selection) {
      const size = source.rows * source.columns;
      return say("value", { value: number(this.unitValues(arrays, selection, size)[index], 2) });
    }
    if (arrays.output_class) {
      const name = layout.classes[arrays.output_class[index]];
      return say("predicted_class", { name, certainty: percent(arrays.output_certainty[index] / 255, 0) });
    }
    const byte = arrays.output[index];
    if (layout.task === "regression") {
      const [low, high] = layout.output.value_range;
      return say("predicted", { value: number(low + ((byte - 1) / 254) * (high - low)) });
    }
    return say("predicted_class", {
      name: layout.classes[byte < 128 ? 0 : 1], certainty: percent(Math.abs(byte - 128) / 127, 0),
    });
  }
}
