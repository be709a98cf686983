/**
 * Items of the network that a person can look at: a unit {kind: "unit", address, unit} or a link {kind: "link", address, unit, input} into it.
 * `address` is that of the layer, as in the names of arrays, "inputs" for the inputs; `name` is the input's own, for inputs come and go.
 * @typedef {{kind: "unit", address: string, unit: number, input?: undefined, name?: string}} UnitItem
 * @typedef {{kind: "link", address: string, unit: number, input: number, name?: string}} LinkItem
 * @typedef {UnitItem | LinkItem} Item
 */

export const INPUTS = "inputs";

/** @param {Item | null} a @param {Item | null} b */
export function same(a, b) {
  if (!a || !b) return a === b;
  return a.kind === b.kind && a.address === b.address && a.unit === b.unit && a.input === b.input;
}

/** @param {Layout} layout @param {string} address @param {number} unit @returns {Item} */
export function unitItem(layout, address, unit) {
  return address === INPUTS ? { kind: "unit", address, unit, name: layout.inputs.names[unit] } : { kind: "unit", address, unit };
}

/** @param {Layout} layout @param {string} address @param {number} unit @param {number} input @returns {Item} */
export function linkItem(layout, address, unit, input) {
  const item = /** @type {const} */ ({ kind: "link", address, unit, input });
  return rowOf(layout).before(address)?.address === INPUTS ? { ...item, name: layout.inputs.names[input] } : item;
}

/** The layers with units among these, those inside of others too, in the order in which values pass them. @param {Layer[]} layers @returns {Layer[]} */
export const unitsIn = (layers) => layers.flatMap((layer) => [...(layer.branches ?? []).flatMap(unitsIn), ...(layer.drawn === "units" ? [layer] : [])]);

/** The layers of the drawn row that have units, the inputs first. @param {Layout} layout */
function rowOf(layout) {
  /** @type {Pick<Layer, "address" | "shown" | "links">[]} */
  const row = [{ address: INPUTS, shown: layout.inputs.shown }, ...unitsIn(layout.layers)];
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
 * The item in this layout; null where it is gone.
 * @param {Item | null} item @param {Layout} layout @returns {Item | null}
 */
export function findItem(item, layout) {
  if (!item) return null;
  const row = rowOf(layout);
  const named = item.name === undefined ? item : { ...item, [item.kind === "unit" ? "unit" : "input"]: layout.inputs.names.indexOf(item.name) };
  /** @param {{shown: number} | undefined} layer @param {number} unit */
  const there = (layer, unit) => unit >= 0 && unit < (layer?.shown ?? 0);
  if (!there(row.layers[row.at(named.address)], named.unit)) return null;
  if (named.kind === "unit") return named;
  const isLink = (row.layers[row.at(named.address)].links ?? "weights") === "weights";
  return isLink && there(row.before(named.address), named.input) ? named : null;
}

/**
 * Where an item goes when the network became another one by no edit of the canvas: layers with units keep their order.
 * @param {Item | null} item @param {Layout} before @param {Layout} after @returns {Item | null}
 */
export function followItem(item, before, after) {
  if (!item) return null;
  const { address } = rowOf(after).layers[rowOf(before).at(item.address)] ?? {};
  return address === undefined ? null : { ...item, address };
}

/** An address after a layer came (by 1) or went (by -1) at another; both of the drawn row. @param {string} address @param {string} from @param {number} by */
function shiftAddress(address, from, by) {
  if (address === INPUTS) return address;
  const [first, ...inside] = address.split(".");
  return [Number(first) >= Number(from) ? Number(first) + by : first, ...inside].join(".");
}

/** Whether an item is in this layer, or in one inside of it. @param {Item} item @param {string} address */
const isIn = (item, address) => item.address === address || item.address.startsWith(`${address}.`);

/**
 * Where an item goes by an edit of the canvas. @param {Item | null} item @param {Layout} layout before the edit
 * @param {string} verb @param {Record<string, any>} values
 * @returns {Item | null} null where the edit takes it away
 */
export function moveItem(item, layout, verb, values) {
  if (!item) return null;
  const { address } = values;
  const row = rowOf(layout);
  if (verb === "add_layer") {
    // A link into the layer after the new one now comes from the new one: another link.
    const after = row.layers.find((layer) => layer.address !== INPUTS && Number(layer.address) >= Number(address));
    if (item.kind === "link" && item.address === after?.address) return null;
    return { ...item, address: shiftAddress(item.address, address, 1) };
  }
  const source = item.kind === "link" ? row.before(item.address)?.address : undefined;
  if (verb === "remove_layer") {
    if (isIn(item, address) || source === address) return null;
    return { ...item, address: shiftAddress(item.address, address, -1) };
  }
  if (verb === "remove_unit") {
    /** @param {number} unit */
    const up = (unit) => (unit > values.unit ? unit - 1 : unit);
    if (item.address === address) return item.unit === values.unit ? null : { ...item, unit: up(item.unit) };
    if (item.kind === "link" && source === address) return item.input === values.unit ? null : { ...item, input: up(item.input) };
  }
  return item;
}
