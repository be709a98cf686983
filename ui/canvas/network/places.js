/**
 * Parts of the network that can be looked at: a unit {kind: "unit", address, unit} or a link {kind: "link", address, unit, input} into it.
 * `address` is that of the layer, as in the names of arrays, "inputs" for the inputs; `name` is the input's own, for inputs come and go.
 * @typedef {{kind: "unit", address: string, unit: number, input?: undefined, name?: string}} UnitPlace
 * @typedef {{kind: "link", address: string, unit: number, input: number, name?: string}} LinkPlace
 * @typedef {UnitPlace | LinkPlace} Place
 */

export const INPUTS = "inputs";

/** @param {Place | null} a @param {Place | null} b */
export function same(a, b) {
  if (!a || !b) return a === b;
  return a.kind === b.kind && a.address === b.address && a.unit === b.unit && a.input === b.input;
}

/** @param {Layout} layout @param {string} address @param {number} unit @returns {Place} */
export function unitPlace(layout, address, unit) {
  return address === INPUTS ? { kind: "unit", address, unit, name: layout.inputs.names[unit] } : { kind: "unit", address, unit };
}

/** @param {Layout} layout @param {string} address @param {number} unit @param {number} input @returns {Place} */
export function linkPlace(layout, address, unit, input) {
  const place = /** @type {const} */ ({ kind: "link", address, unit, input });
  return rowOf(layout).before(address)?.address === INPUTS ? { ...place, name: layout.inputs.names[input] } : place;
}

/** The layers of the drawn row that have units, the inputs first. @param {Layout} layout */
function rowOf(layout) {
  const row = [{ address: INPUTS, shown: layout.inputs.shown }, ...layout.layers.filter(({ drawn }) => drawn === "units")];
  /** @param {string} address */
  const at = (address) => row.findIndex((layer) => layer.address === address);
  return {
    at,
    layers: row,
    /** @param {string} address */
    before: (address) => row[at(address) - 1],
  };
}

/**
 * The place in this layout; null where it is gone.
 * @param {Place | null} place @param {Layout} layout @returns {Place | null}
 */
export function found(place, layout) {
  if (!place) return null;
  const row = rowOf(layout);
  const named = place.name === undefined ? place : { ...place, [place.kind === "unit" ? "unit" : "input"]: layout.inputs.names.indexOf(place.name) };
  /** @param {{shown: number} | undefined} layer @param {number} unit */
  const there = (layer, unit) => unit >= 0 && unit < (layer?.shown ?? 0);
  if (!there(row.layers[row.at(named.address)], named.unit)) return null;
  return named.kind === "unit" || there(row.before(named.address), named.input) ? named : null;
}

/**
 * Where a place goes when the network became another one by no edit of the canvas: layers with units keep their order.
 * @param {Place | null} place @param {Layout} before @param {Layout} after @returns {Place | null}
 */
export function followed(place, before, after) {
  if (!place) return null;
  const { address } = rowOf(after).layers[rowOf(before).at(place.address)] ?? {};
  return address === undefined ? null : { ...place, address };
}

/** An address after a layer came (by 1) or went (by -1) at another; both of the drawn row. @param {string} address @param {string} from @param {number} by */
function shifted(address, from, by) {
  if (address === INPUTS) return address;
  const [first, ...inside] = address.split(".");
  return [Number(first) >= Number(from) ? Number(first) + by : first, ...inside].join(".");
}

/** Whether a place is in this layer, or in one inside of it. @param {Place} place @param {string} address */
const isIn = (place, address) => place.address === address || place.address.startsWith(`${address}.`);

/**
 * Where a place goes by an edit of the canvas. @param {Place | null} place @param {Layout} layout before the edit
 * @param {string} verb @param {Record<string, any>} values
 * @returns {Place | null} null where the edit takes it away
 */
export function moved(place, layout, verb, values) {
  if (!place) return null;
  const { address } = values;
  const row = rowOf(layout);
  if (verb === "add_layer") {
    // A link into the layer after the new one now comes from the new one: another link.
    const after = row.layers.find((layer) => layer.address !== INPUTS && Number(layer.address) >= Number(address));
    if (place.kind === "link" && place.address === after?.address) return null;
    return { ...place, address: shifted(place.address, address, 1) };
  }
  const source = place.kind === "link" ? row.before(place.address)?.address : undefined;
  if (verb === "remove_layer") {
    if (isIn(place, address) || source === address) return null;
    return { ...place, address: shifted(place.address, address, -1) };
  }
  if (verb === "remove_unit") {
    /** @param {number} unit */
    const up = (unit) => (unit > values.unit ? unit - 1 : unit);
    if (place.address === address) return place.unit === values.unit ? null : { ...place, unit: up(place.unit) };
    if (place.kind === "link" && source === address) return place.input === values.unit ? null : { ...place, input: up(place.input) };
  }
  return place;
}
