/** Where answers lie on a map: shares, middles, pieces, edges. Row 0 is the top, as in the arrays of a frame. */

const SMALLEST_PIECE = 0.004; // of the map: less is a speck of the grid, not a region
const MIDDLE = 1 / 6; // of the map's side to both sides of its centre

/**
 * @param {ArrayLike<number>} kinds class of each cell @param {number} rows @param {number} columns
 * @returns {Map<number, {share: number, position: string, pieces: number, enclosed: boolean}>} by class, those that occur
 */
export function regions(kinds, rows, columns) {
  const found = new Map();
  const seen = new Uint8Array(rows * columns);
  const smallest = Math.max(2, SMALLEST_PIECE * rows * columns);
  for (let start = 0; start < seen.length; start += 1) {
    if (seen[start]) continue;
    const piece = flood(kinds, start, rows, columns, seen);
    const one = found.get(kinds[start]) ?? { cells: 0, x: 0, y: 0, pieces: 0, edges: 0 };
    one.cells += piece.cells;
    one.x += piece.x;
    one.y += piece.y;
    if (piece.cells >= smallest) {
      one.pieces += 1;
      if (piece.edge) one.edges += 1;
    }
    found.set(kinds[start], one);
  }
  return new Map([...found].map(([kind, one]) => [kind, {
    share: one.cells / seen.length,
    position: positionOf(one.x / one.cells / (columns - 1), one.y / one.cells / (rows - 1)),
    pieces: Math.max(1, one.pieces),
    enclosed: one.pieces > 0 && one.edges === 0,
  }]));
}

/**
 * All cells of one class that hang together by their sides.
 * @param {ArrayLike<number>} kinds @param {number} start @param {number} rows @param {number} columns @param {Uint8Array} seen
 */
function flood(kinds, start, rows, columns, seen) {
  const waiting = [start];
  const piece = { cells: 0, x: 0, y: 0, edge: false };
  seen[start] = 1;
  for (let cell = waiting.pop(); cell !== undefined; cell = waiting.pop()) {
    const [row, column] = [Math.floor(cell / columns), cell % columns];
    piece.cells += 1;
    piece.x += column;
    piece.y += row;
    if (row === 0 || column === 0 || row === rows - 1 || column === columns - 1) piece.edge = true;
    const beside = [row > 0 ? cell - columns : -1, row < rows - 1 ? cell + columns : -1, column > 0 ? cell - 1 : -1, column < columns - 1 ? cell + 1 : -1];
    for (const next of beside) {
      if (next < 0 || seen[next] || kinds[next] !== kinds[start]) continue;
      seen[next] = 1;
      waiting.push(next);
    }
  }
  return piece;
}

/** One of nine positions on a map. @param {number} u 0 left .. 1 right @param {number} v 0 top .. 1 bottom */
export function positionOf(u, v) {
  const across = u < 0.5 - MIDDLE ? "left" : u > 0.5 + MIDDLE ? "right" : "";
  const down = v < 0.5 - MIDDLE ? "top" : v > 0.5 + MIDDLE ? "bottom" : "";
  return [down, across].filter(Boolean).join("_") || "centre";
}

/**
 * The middle of the tenth of a map with the highest values, or with the lowest.
 * @param {ArrayLike<number>} values @param {number} rows @param {number} columns @param {1 | -1} sign
 */
export function extremePosition(values, rows, columns, sign) {
  const order = Array.from(values, (_, i) => i).sort((a, b) => sign * (values[b] - values[a])).slice(0, Math.max(1, Math.floor(values.length / 10)));
  /** @param {(i: number) => number} read */
  const mean = (read) => order.reduce((sum, i) => sum + read(i), 0) / order.length;
  return positionOf(mean((i) => i % columns) / (columns - 1), mean((i) => Math.floor(i / columns)) / (rows - 1));
}
