/** What layers, units and links are called. */

import { columnAt, columnBefore } from "./geometry.js";

export class Names {
  /** @param {Texts} texts @param {Geometry} geometry @param {string[]} inputNames @param {string[]} classNames */
  constructor(texts, geometry, inputNames, classNames) {
    this.texts = texts;
    this.geometry = geometry;
    this.inputNames = inputNames;
    this.classNames = classNames;
  }

  /** @param {Column} column */
  layerName(column) {
    if (column.part === "inputs") return this.texts.say("canvas.inputs");
    if (column.part === "output") return this.texts.say("canvas.output");
    return this.texts.say("canvas.hidden", { number: this.geometry.tiled.indexOf(column) });
  }

  /** @param {Column} column @param {number} unit */
  unitName(column, unit) {
    if (column.part === "inputs") return this.texts.say("canvas.input_unit", { name: this.inputNames[unit] ?? unit + 1 });
    if (column.part === "output") {
      return column.units > 1 ? this.texts.say("canvas.output_unit", { name: this.classNames[unit] }) : this.layerName(column);
    }
    const what = { 3: "canvas.unit_map", 2: "canvas.unit_steps" }[column.layer.shape?.length ?? 0] ?? "canvas.unit";
    return this.texts.say(what, { layer: this.layerName(column), number: unit + 1 });
  }

  /** @param {Column} column @param {number} unit */
  shortName(column, unit) {
    return column.part === "inputs" ? (this.inputNames[unit] ?? String(unit + 1)) : this.unitName(column, unit);
  }

  /** @param {Item} item */
  itemName(item) {
    const column = columnAt(this.geometry, item.address);
    const target = this.unitName(column, item.unit);
    return item.kind === "unit" ? target : `${this.shortName(columnBefore(this.geometry, column), item.input)} → ${target}`;
  }
}
