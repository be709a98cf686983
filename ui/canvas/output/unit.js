/** The numbers of the unit that is looked at: bytes and the scale that they are read by. */

import { INPUTS } from "../network/items.js";

/** @typedef {{constants?: Arrays, unit: {address: string, unit: number}}} UnitLook */

/**
 * What the pictures of a layer's units have in common: the layer says it where they are others than those of the network's lists.
 * @param {Layout} layout @param {string} [address] @returns {UnitMap}
 */
export function mapOf(layout, address) {
  const layer = address === INPUTS ? layout.inputs : address === undefined ? undefined : layerAt(layout.layers, address);
  return layer?.map ?? layout.map;
}

/** The layer of an address, in whatever it stands. @param {Layer[]} layers @param {string} address @returns {Layer | undefined} */
export function layerAt(layers, address) {
  for (const layer of layers) {
    if (layer.address === address) return layer;
    for (const branch of layer.branches ?? []) {
      const found = layerAt(branch, address);
      if (found) return found;
    }
  }
  return undefined;
}

/** Bytes of the units of a layer. @param {string} address @param {Arrays | undefined} constants @param {Arrays} arrays */
export const bytesOf = (address, constants, arrays) => arrays[`maps/${address}`] ?? (address === INPUTS ? constants?.input_maps : undefined);

/** Bytes of the units of its layer. @param {UnitLook} look @param {Arrays} arrays */
export const unitBytes = ({ unit: { address }, constants }, arrays) => bytesOf(address, constants, arrays);

/** What its largest value is. @param {UnitLook} look @param {Arrays} arrays */
export const unitScale = ({ unit: { address, unit } }, arrays) => (address === INPUTS ? 1 : arrays[`scales/${address}`][unit]);

/** Its values: bytes to numbers by its scale. @param {UnitLook} look @param {Arrays} arrays @param {number} length */
export function unitValues(look, arrays, length) {
  const [bytes, scale, start] = [unitBytes(look, arrays), unitScale(look, arrays), look.unit.unit * length];
  return Array.from({ length }, (_, i) => ((bytes[start + i] - 128) / 127) * scale);
}
