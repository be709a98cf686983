/**
 * Parts of the network that can be looked at: a unit {kind: "unit", dense, unit} or a link {kind: "link", dense, unit, input} into it.
 * `dense` counts layers as the arrays do, -1 for the inputs; `name` is the input's own, for inputs come and go.
 * @typedef {{kind: "unit", dense: number, unit: number, input?: undefined, name?: string}} UnitPlace
 * @typedef {{kind: "link", dense: number, unit: number, input: number, name?: string}} LinkPlace
 * @typedef {UnitPlace | LinkPlace} Place
 */

/** @param {Place | null} a @param {Place | null} b */
export function same(a, b) {
  if (!a || !b) return a === b;
  return a.kind === b.kind && a.dense === b.dense && a.unit === b.unit && a.input === b.input;
}

/** @param {Layout} layout @param {number} dense @param {number} unit @returns {Place} */
export function unitPlace(layout, dense, unit) {
  return dense < 0 ? { kind: "unit", dense, unit, name: layout.inputs.names[unit] } : { kind: "unit", dense, unit };
}

/** @param {Layout} layout @param {number} dense @param {number} unit @param {number} input @returns {Place} */
export function linkPlace(layout, dense, unit, input) {
  return dense === 0 ? { kind: "link", dense, unit, input, name: layout.inputs.names[input] } : { kind: "link", dense, unit, input };
}

/** @param {Pick<Layout, "layers">} layout */
const denseLayers = ({ layers }) => layers.filter((layer) => layer.kind !== "dropout");

/** The place in this layout; null where it is gone. @param {Place | null} place @param {Layout} layout @returns {Place | null} */
export function found(place, layout) {
  if (!place) return null;
  const shown = [layout.inputs, ...denseLayers(layout)].map((layer) => layer.shown);
  const named = place.name === undefined ? place : { ...place, [place.kind === "unit" ? "unit" : "input"]: layout.inputs.names.indexOf(place.name) };
  /** @param {number} dense @param {number} unit */
  const there = (dense, unit) => unit >= 0 && unit < (shown[dense + 1] ?? 0);
  if (!there(named.dense, named.unit)) return null;
  return named.kind === "unit" || there(named.dense - 1, named.input) ? named : null;
}

/** Which dense layer a layer of the recipe is: how many come before it. @param {Layout} layout @param {number} index */
export const denseIndex = (layout, index) => denseLayers({ layers: layout.layers.slice(0, index) }).length;

/**
 * Where a place goes by an edit of the canvas. @param {Place | null} place @param {Layout} layout before the edit
 * @param {string} verb @param {Record<string, any>} values
 * @returns {Place | null} null where the edit takes it away
 */
export function moved(place, layout, verb, values) {
  if (!place) return null;
  /** @param {number} index @param {number} from @param {number} by */
  const shift = (index, from, by) => (index >= from ? index + by : index);
  if (verb === "add_layer") {
    const at = denseIndex(layout, values.at);
    // A link into the layer after the new one now comes from the new one: another link.
    if (place.kind === "link" && place.dense === at) return null;
    return { ...place, dense: shift(place.dense, at, 1) };
  }
  if (verb === "remove_layer") {
    if (layout.layers[values.layer].kind === "dropout") return place;
    const at = denseIndex(layout, values.layer);
    if (place.dense === at || (place.kind === "link" && place.dense === at + 1)) return null;
    return { ...place, dense: shift(place.dense, at + 1, -1) };
  }
  if (verb === "remove_unit") {
    const at = denseIndex(layout, values.layer);
    if (place.dense === at) return place.unit === values.unit ? null : { ...place, unit: shift(place.unit, values.unit + 1, -1) };
    if (place.kind === "link" && place.dense === at + 1) {
      return place.input === values.unit ? null : { ...place, input: shift(place.input, values.unit + 1, -1) };
    }
  }
  return place;
}
