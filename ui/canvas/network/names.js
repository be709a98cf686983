/** What layers, units and links are called. */

export class Names {
  /** @param {Texts} texts @param {Geometry} geometry @param {string[]} inputNames @param {string[]} classNames */
  constructor(texts, geometry, inputNames, classNames) {
    this.texts = texts;
    this.columns = geometry.dense;
    this.inputNames = inputNames;
    this.classNames = classNames;
  }

  /** @param {Column} column */
  layerName(column) {
    if (column.kind === "inputs") return this.texts.say("canvas.inputs");
    if (column.kind === "output") return this.texts.say("canvas.output");
    return this.texts.say("canvas.hidden", { number: column.dense + 1 });
  }

  /** @param {Column} column @param {number} unit */
  unitName(column, unit) {
    if (column.kind === "inputs") return this.texts.say("canvas.input_unit", { name: this.inputNames[unit] ?? unit + 1 });
    if (column.kind === "output") {
      return column.units > 1 ? this.texts.say("canvas.output_unit", { name: this.classNames[unit] }) : this.layerName(column);
    }
    return this.texts.say("canvas.unit", { layer: this.layerName(column), number: unit + 1 });
  }

  /** @param {Column} column @param {number} unit */
  shortName(column, unit) {
    return column.kind === "inputs" ? (this.inputNames[unit] ?? String(unit + 1)) : this.unitName(column, unit);
  }

  /** @param {Place} place */
  placeName(place) {
    const target = this.unitName(this.columns[place.dense + 1], place.unit);
    return place.kind === "unit" ? target : `${this.shortName(this.columns[place.dense], place.input)} → ${target}`;
  }
}
