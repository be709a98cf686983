/** Where the rows among which a person chooses stand in the panel of the output, and the one that is chosen, in large. */

const GAP = 5; // pixels between two rows of the data
const TITLE = 19; // pixels of a line above the rows of a split
const [THUMBNAIL, FINGER] = [36, 44];
const CURVE = 64; // width of a sequence of numbers
const LINE = 24; // height of a row of tokens
const TOKEN_LINE = 23; // pixels
const HEAD = 21; // height of the line that says which row it is
const SMALLEST = 70; // side of the example
const LEAST = 132; // height of what is told of it, where there is room
const SPLITS = /** @type {const} */ (["test", "train"]);

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Room
 * @typedef {{split: Split, index: number} & Room} Place  `index`: among those rows of its split that came
 * @typedef {{head: Room, example: Box, told: Room, titles: {split: Split, x: number, y: number}[], tiles: Place[], across: Record<Split, number>}} Places
 */

/** How rows of the data look: pictures, curves over time or lines of tokens. @param {Layout} layout @returns {"pixels" | "curves" | "tokens"} */
export function looksOf({ output: { shape = [], tokens = [] } }) {
  if (tokens.length) return "tokens";
  return shape.length === 3 ? "pixels" : "curves";
}

/** The height that the tokens of a row take: of words about two thirds of their letters' width. @param {Layout} layout @param {number} width */
export function tokensHeight({ output: { shape = [], tokens = [] } }, width) {
  const letters = tokens.slice(2, 50).reduce((sum, token) => sum + token.length, 0) / Math.max(1, Math.min(48, tokens.length - 2));
  const each = Math.max(19, 7 * letters + 12);
  return Math.min(4, Math.ceil(((shape.at(-1) ?? 1) * each) / width)) * TOKEN_LINE + 5;
}

/** The height of what is answered: a bar a class, a number, or tokens again. @param {Layout} layout @param {number} width */
const answersHeight = (layout, width) => (layout.output.steps ? tokensHeight(layout, width) + 6 : layout.task === "regression" ? 76 : Math.min(6, layout.classes.length) * 18);

/**
 * @param {Box} box of the large map @param {Layout} layout @param {boolean} [coarse] whether fingers press
 * @returns {Places}
 */
export function placesOf(box, layout, coarse = false) {
  const looks = looksOf(layout);
  const counts = layout.output.counts ?? { train: 0, test: 0 };
  const { x: left, width } = box.wide ?? { x: box.x - 28, width: box.size + 27 };
  const [top, height] = [box.y, box.size + 36];
  const wide = looks === "tokens";
  const [tileHeight, tileWidth] = {
    pixels: [THUMBNAIL, THUMBNAIL], curves: [THUMBNAIL, CURVE], tokens: [LINE, width],
  }[looks].map((size) => (coarse ? Math.max(FINGER, size) : size));
  const roomy = Math.round(Math.max(Math.min(LEAST, height * 0.4), Math.min(190, width * 0.42, height * 0.36)));
  // Where it is low the example makes way for a line of rows of each split, as far as it can still be seen.
  const lacking = HEAD + roomy + 8 + 2 * (TITLE + tileHeight + GAP) - height;
  const side = wide ? 0 : lacking > 0 && roomy - lacking >= SMALLEST ? roomy - lacking : roomy;
  const told = wide
    ? { x: left, y: top + HEAD, width, height: Math.round(Math.min(height * 0.46, tokensHeight(layout, width) + answersHeight(layout, width))) }
    : { x: left + side + 14, y: top + HEAD, width: width - side - 14, height: side };
  const columns = Math.max(1, Math.floor((width + GAP) / (tileWidth + GAP)));
  const first = told.y + Math.max(told.height, side) + 8;
  const lines = Math.floor((top + height - first - 2 * TITLE) / (tileHeight + GAP));
  // What is watched comes first, has the odd line, and all where there is room for one only.
  const shares = lines < 2 ? { test: 1, train: 0 } : { test: Math.ceil(lines / 2), train: Math.floor(lines / 2) };
  const gap = columns > 1 ? (width - columns * tileWidth) / (columns - 1) : 0;
  /** @type {Places} */
  const places = { head: { x: left, y: top, width, height: HEAD }, example: { x: left, y: top + HEAD, size: side }, told, titles: [], tiles: [], across: { train: columns, test: columns } };
  let y = first;
  for (const split of SPLITS) {
    const shown = Math.min(counts[split], columns * shares[split]);
    if (shown === 0) continue;
    places.titles.push({ split, x: left, y: y + TITLE / 2 - 2 });
    y += TITLE;
    for (let index = 0; index < shown; index += 1) {
      places.tiles.push({
        split, index, x: left + (index % columns) * (tileWidth + gap), y: y + Math.floor(index / columns) * (tileHeight + GAP), width: tileWidth, height: tileHeight,
      });
    }
    y += Math.ceil(shown / columns) * (tileHeight + GAP);
  }
  return places;
}

/**
 * Where an arrow key leads: among all places, to the nearest one that way.
 * @param {Place[]} tiles @param {number} from @param {string} key
 */
export function placeBeside(tiles, from, key) {
  const here = tiles[from];
  /** @type {Record<string, number>} */
  const ends = { Home: 0, End: tiles.length - 1, ArrowLeft: from - 1, ArrowRight: from + 1 };
  if (key in ends) return Math.max(0, Math.min(tiles.length - 1, ends[key]));
  if (key !== "ArrowUp" && key !== "ArrowDown") return null;
  const down = key === "ArrowDown" ? 1 : -1;
  let [best, least] = [from, Infinity];
  tiles.forEach((tile, at) => {
    const ahead = (tile.y - here.y) * down;
    if (ahead <= 0) return;
    const cost = ahead * 10 + Math.abs(tile.x - here.x);
    if (cost < least) [best, least] = [at, cost];
  });
  return best;
}
