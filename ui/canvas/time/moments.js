/** The table of the kept moments, which grows as frames bring rows. */

/** Rows of a table with those that are new after the first `known` ones. @param {Values | null} table @param {number} known @param {Values} added @returns {Values} */
export function continued(table, known, added) {
  if (!known || !table) return added;
  const width = added.shape[1];
  const rows = new Float64Array(known * width + added.length);
  rows.set(table.subarray(0, known * width));
  rows.set(added, known * width);
  return Object.assign(rows, { shape: [rows.length / width, width] });
}
