/** The pictures on the tiles: each unit's own map, curve or bars. */

import { css } from "../colours.js";
import { Atlas, drawBars, drawCurve } from "./maps.js";

export class Tiles {
  /** @type {Layout} */
  layout;
  /** @type {Arrays} */
  constants;
  /** @type {Geometry} */
  geometry;
  /** @type {Theme} */
  theme;
  /** @type {Surface["kind"]} */
  kind;

  constructor() {
    this.hidden = new Atlas();
    this.inputs = new Atlas();
  }

  /** A new structure, width or theme. @param {import("./network.js").Network} network */
  build({ layout, constants, geometry, theme, ratio }) {
    Object.assign(this, { layout, constants, geometry, theme });
    this.kind = layout.map.kind;
    if (this.kind !== "plane") return;
    const { rows, columns } = layout.map;
    const learned = geometry.dense.slice(1);
    const largest = Math.max(...learned.map((column) => column.size));
    // A map finer than its tile is read at every second or third pixel.
    const stride = Math.max(1, Math.floor(Math.min(rows, columns) / (largest * ratio)));
    this.hidden.prepare(learned.reduce((sum, column) => sum + column.shown, 0), rows, columns, stride);
    this.inputs.prepare(geometry.dense[0].shown, rows, columns, 1);
    this.inputs.write(constants.input_maps, geometry.dense[0].shown, 0, theme.ramp);
    this.inputs.upload();
  }

  /** The maps of a new frame. @param {Arrays} arrays */
  read(arrays) {
    if (this.kind !== "plane") return;
    let first = 0;
    for (const column of this.geometry.dense.slice(1)) {
      this.hidden.write(arrays[`maps/${column.dense}`], column.shown, first, this.theme.ramp);
      first += column.shown;
    }
    this.hidden.upload();
  }

  /** @param {Context} context @param {Arrays} arrays */
  draw(context, arrays) {
    const { geometry, theme } = this;
    let first = 0;
    for (const column of geometry.dense) {
      const input = column.dense < 0;
      const bytes = input ? this.constants.input_maps : arrays[`maps/${column.dense}`];
      const line = this.kind === "bars" ? this.layout.map.groups.length : this.layout.map.columns;
      const atlas = input ? this.inputs : this.hidden;
      for (const { unit, x, y, size } of column.tiles) {
        if (this.kind === "plane") atlas.draw(context, input ? unit : first + unit, x, y, size);
        else if (this.kind === "bars") drawBars(context, bytes, unit * line, line, x, y, size, theme);
        else drawCurve(context, bytes, unit * line, line, x, y, size, theme);
      }
      if (!input) first += column.shown;
    }
    context.strokeStyle = css(theme.text, theme.dark ? 0.34 : 0.3);
    context.lineWidth = 1;
    context.beginPath();
    for (const column of geometry.dense) {
      for (const tile of column.tiles) context.roundRect(tile.x, tile.y, tile.size, tile.size, tile.size * 0.13);
    }
    context.stroke();
  }
}
