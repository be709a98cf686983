/** The numbers of the unit that is looked at: bytes and the scale that they are read by. */

import { INPUTS } from "../network/items.js";

/** @typedef {Look & {unit: Selected}} UnitLook */

/** Bytes of the units of its layer. @param {UnitLook} look @param {Arrays} arrays */
export const unitBytes = ({ unit: { address }, constants }, arrays) => (address === INPUTS ? constants.input_maps : arrays[`maps/${address}`]);

/** What its largest value is. @param {UnitLook} look @param {Arrays} arrays */
export const unitScale = ({ unit: { address, unit } }, arrays) => (address === INPUTS ? 1 : arrays[`scales/${address}`][unit]);

/** Its values: bytes to numbers by its scale. @param {UnitLook} look @param {Arrays} arrays @param {number} length */
export function unitValues(look, arrays, length) {
  const [bytes, scale, start] = [unitBytes(look, arrays), unitScale(look, arrays), look.unit.unit * length];
  return Array.from({ length }, (_, i) => ((bytes[start + i] - 128) / 127) * scale);
}
