/**
 * What the scripts hand one another, and what they take for granted of the page: for `make lint`, no browser reads it.
 * Frames are made in dlcore/frame.py, layouts in dlcore/pictures/, headers in dlcore/runs/run.py.
 */

// A frame

type Split = "train" | "test";
type Splits<Value> = { train: Value; test: Value };
type Interval = [number, number];
/** A number that JSON does not have (infinity, NaN) comes as null. */
type Finite = number | null;
/** An array of a frame; of whatever type of numbers, the scripts read it alike. */
type Values = (Float64Array | Float32Array | Uint8Array) & { shape: number[] };
/** The arrays of a frame by their names: "weight/2", "maps/2" of the layer whose address that is, "output" ... Those that were not wanted or do not apply are absent. */
type Arrays = Record<string, Values>;
/** Which score is shown beside the loss, and how it is written (dlcore/metrics.py). */
type Metric = { name: string; form: "percent" | "decimals" | "units" };

interface Layer {
  /** Where it stands: "2", or "2.0.1" for one inside of another (dlcore/stages.py). */
  address: string;
  kind: string;
  /** Whether its units have a tile each, or a mark says that it is there. */
  drawn: "units" | "mark";
  units: number;
  shown: number;
  parameters: number;
  activation: string;
  /** Of a layer whose units a person can add. */
  most_units?: number;
  /** The number that tells it from others of its kind. */
  size: number;
  /** The layers that it holds, if it holds some. */
  branches?: Layer[][];
  /** Whether values go around these unchanged, too. */
  skip?: boolean;
  /** What the links into it say; absent: each is a weight (dlcore/pictures/links.py). */
  links?: Links;
  /** How many units it sees, where they may be others than those that are drawn before it. */
  sources?: number;
  /** Its weights and biases are not for a person to set or freeze. */
  fixed?: boolean;
  /** Of a network that reads pictures or sequences: of a row after this layer. */
  shape?: number[];
  /** Its units' picture, where it is another than those of the network's lists. */
  map?: UnitMap;
}

type Links = "weights" | "sums" | "means" | "each" | "none";
/** What all units of a layer have in common in their pictures: `groups` where they are bars, of `rows` rows of the data; `every` where of larger maps only every so many numbers come. */
type UnitMap = Surface & { groups: string[]; every?: number; grey?: boolean };

/** A surface over which something is answered: a plane has rows and columns, a line columns only. */
interface Surface {
  /** Whose file in canvas/kinds/ draws it. */
  kind: string;
  rows: number;
  columns: number;
  x_range: Interval;
  y_range?: Interval;
}

interface Layout {
  task: "classification" | "regression";
  classes: string[];
  parameters: number;
  rows: { train: number; test: number; all: number };
  metric: string;
  limits: { layers: number };
  /** `labels`: the names as they are drawn. */
  inputs: { names: string[]; labels: string[]; units: number; shown: number; map?: UnitMap; shape?: number[] };
  /** All that inputs can be made of, in the recipe's order; none where they are the data's own. */
  features: { name: string; label: string }[];
  /** Of points that a person may draw on: how many in all, of how many classes, how far from the middle, how fine; null where there are none. */
  drawing: { points: number; classes: number; edge: number; decimals: number } | null;
  layers: Layer[];
  /** Of a unit, where its layer does not say otherwise. */
  map: UnitMap;
  output: Surface & { value_range: Interval; axes: [string, string]; dataset: string; explained: [number, number] } & Partial<RowsOf>;
  /** How the page paints it itself, if it can. */
  painting?: Painting;
}

/** How rows of the data are drawn by themselves: the shape of one as it comes, how each token is written, whether numbers are pixels, whether an answer is given at each step, how many rows come. */
type RowsOf = { shape: number[]; tokens: string[]; grey: boolean; steps: boolean; counts: Splits<number> };

/** How maps are painted from weights and biases; see dlcore/pictures/client_side.py. */
interface Painting {
  /** Of the output's grid. */
  rows: number;
  columns: number;
  /** Every so many of its points in both directions are a unit's picture; 0: units come painted. */
  every: number;
  /** Curves go from minus this to this. */
  end: number;
  curves: number;
  tensors: PaintingTensor[];
  /** Numbers before those that it is painted from. */
  skip: number;
  layers: PaintingLayer[];
  claim: number | "softmax" | null;
  answer: { kind: "shade" | "value" | "classes"; curve: number | "softmax" | null };
}

/** `drawn`: the shape of the part that is drawn, if any is. */
type PaintingTensor = { name: string; shape: number[]; drawn: number[] | null };
type PaintingLayer = { address: string; units: number; shown: number; curve: number | null };
/** Factors of the inputs of each column and row, and the curves, one after the other. */
type PaintingTables = { across: Float32Array; down: Float32Array; curves: Float32Array };

type Status = "playing" | "paused" | "diverged" | "early_stopped" | "epoch_limit";
/** An example of the gallery that is open. */
type Example = { id: string; question: string; dataset: string };
/** `case` tells this case of it from others: each is said once. */
type Advice = Told & { case: string; fixes: [string, string][] };
type Told = { key: string; values?: Record<string, string | number> };

interface Header {
  /** Changes with the recipe, and where somebody's change of it was refused. */
  recipe_version: number;
  /** Where the viewer does not know it: what the rail shows. */
  recipe?: Settings;
  layout?: Layout;
  version: number;
  structure: number;
  status: Status;
  step: number;
  epoch: number;
  progress: number;
  updates_per_second: number;
  /** Updates a second that were asked for; null: as many as there can be. */
  speed: number | null;
  losses: Splits<Finite>;
  /** The scores of `metric`, and of others that there may be, by their names. */
  metrics: Splits<Record<string, Finite>>;
  metric: Metric;
  device: string;
  engine: "dense" | "autograd";
  watched: "test" | "validation";
  /** Whether the loss of the watched rows is well above that of the training rows: the network learns these by heart. */
  apart: boolean;
  loss_kind: string;
  problem: Told | null;
  /** What goes wrong, of a run as it is now; each fix with the group of controls with which a link hides it. */
  advice?: Advice | null;
  /** The moment of the best epoch, of a run that has finished and can go back to it. */
  best: number | null;
  /** The number of a frame that later ones build upon, and the arrays that count in it. */
  frame?: number;
  holds?: string[];
  /** From which row on rows come, and of how many rows each bucket is (see History). */
  history_from?: number;
  history_stride: number;
  /** How many moments before those that come are the ones that are known. */
  moments_from: number;
  history_columns: string[];
  moments_version: number;
  /** Since when what was changed in the run is what it is; null: nothing was. */
  journal_version: number | null;
  /** What Undo and Redo would take back and do again, by its kind; and since when that is so. */
  acts: { undo: string | null; redo: string | null; version: number };
  moment?: { id: number; step: number; epoch: number; progress: number };
  live?: { step: number; epoch: number };
  /** From where to where the numbers of each layer go, by its address. */
  histograms?: Record<string, Partial<Record<"weights" | "activations" | "gradients", Interval>>>;
  probe?: ProbeFrame;
  /** The row that is seen in a network that reads pictures or sequences; null where rows may not be shown. */
  example?: ExampleFrame | null;
}

/** What the run says of the example. Of answers at each step: the tokens that are right, and those that are answered. */
interface ExampleFrame {
  split: Split;
  row: number;
  target: number | number[];
  prediction: Finite | Finite[];
  loss: Finite;
}

/** What the run says of one of its rows. */
interface ProbeFrame {
  split: Split;
  row: number;
  inputs: number[];
  target: number;
  /** Of each class, or the number. */
  prediction: Finite[] | Finite;
  loss: Finite;
}

interface Frame {
  header: Header;
  arrays: Arrays;
  /** That its maps took to be painted by the page; undefined where the server painted them, or they are those of the frame before. */
  milliseconds?: number;
}

/** What a viewer asks for beside the usual. */
interface Wants {
  gradients: boolean;
  histograms: boolean;
  probe: { split: Split; row: number } | null;
  /** The row that is seen in every channel and at every step; null: the usual one. */
  example: { split: Split; row: number } | null;
  /** The unit whose kernels are seen. */
  kernel: { address: string; unit: number } | null;
  moment: number | null;
}

type Connection = "connecting" | "open" | "reconnecting" | "gone" | "refused";

// What is drawn

type Rgb = import("./canvas/colours.js").Rgb;
type Theme = ReturnType<typeof import("./canvas/colours.js").readTheme>;
type Texts = import("./canvas/words/format.js").Texts;
type Say = (key: string, values?: Record<string, string | number>) => string;
type Rows = Pick<import("./canvas/curves/history.js").History, "rows" | "columns">;
type Tile = import("./canvas/network/geometry.js").Tile;
type Column = import("./canvas/network/geometry.js").Column;
type Geometry = ReturnType<typeof import("./canvas/network/geometry.js").arrange>;
type Item = import("./canvas/network/items.js").Item;
type Point = import("./canvas/output/edits.js").Point;
type Network = import("./canvas/network/network.js").Network;
type Output = import("./canvas/output/output.js").Output;
type Run = import("./compare/run.js").Run;
/** A square; of one in a panel that is wider, `wide` is all the room across. */
type Box = { x: number; y: number; size: number; wide?: { x: number; width: number } };
type ToPixels = (x: number, y: number) => [number, number];
/** The unit that is looked at. */
type Selected = Item & { name: string; column: Column };
/** Over which ranges the large map is, with which names on its axes. */
type View = { x: Interval; y: Interval; names: [string, string] };
/** What was done on the page: a verb, and what belongs to it. */
type Action = (verb: string, values?: object) => void;
type Command = (verb: string, value?: unknown) => void;
type Want = (wants: Partial<Wants>) => void;
/** As much of a canvas's context as our pictures use: VectorContext, which writes them as SVG, has as much. */
type Context = Pick<
  CanvasRenderingContext2D,
  | "fillStyle" | "strokeStyle" | "lineWidth" | "lineCap" | "lineJoin" | "globalAlpha" | "font" | "textAlign" | "textBaseline"
  | "save" | "restore" | "setTransform" | "translate" | "rotate" | "clip" | "setLineDash" | "clearRect"
  | "beginPath" | "moveTo" | "lineTo" | "bezierCurveTo" | "quadraticCurveTo" | "closePath" | "rect" | "roundRect" | "arc"
  | "fill" | "stroke" | "fillRect" | "strokeRect" | "measureText" | "fillText" | "drawImage"
> & Partial<Pick<CanvasRenderingContext2D, "imageSmoothingEnabled">>;

// A kind of picture

/** The pictures on the tiles of units. */
interface TilePainter {
  /** Of so many units, each about so many device pixels wide. */
  prepare(units: number, map: UnitMap, pixels: number): void;
  /** The numbers of `units` units, one after the other, for the tiles from `first` on. */
  write(bytes: ArrayLike<number>, units: number, first: number, theme: Theme): void;
  /** All is written. */
  ready(): void;
  draw(context: Context, tile: number, x: number, y: number, size: number, theme: Theme): void;
}

/** What the large map shows: the output, or a unit. */
type Look = { layout: Layout; constants: Arrays; theme: Theme; texts: Texts; unit: Selected | null; example?: ExampleFrame | null };

/** How a kind fills the large map. */
interface Large<Of extends Look> {
  /** Null: it has no points, and no axes of its own. */
  view(look: Of): View | null;
  /** Whether the data's rows lie on it. */
  rows: boolean;
  /** Whether lines go across it from the ticks of its axes. */
  grid: boolean;
  /** How many of its two directions are inputs. */
  inputs: 0 | 1 | 2;
  /** The ground, as cells of an image. Without it there is nothing to discretize and there are no lines of equal value. */
  paint?(cells: import("./canvas/output/cells.js").Cells, look: Of, arrays: Arrays, discretize: boolean): void;
  /** Whether something is drawn over that. */
  draws(shows: Record<string, boolean>): boolean;
  /** `axes`: where an axis goes that moves with the frames, with nothing on it. */
  draw(context: Context, axes: () => Context, box: Box, look: Of, arrays: Arrays): void;
  /** What moves a few times a second only, as when other answers come: beside the axes. */
  drawStill?(context: Context, box: Box, look: Of, arrays: Arrays): void;
  /** What is answered at a point, in words; `u` and `v` are shares of width and height. */
  valueAt(look: Of, arrays: Arrays, u: number, v: number): string;
  legend(look: Of): HTMLElement[];
  /** The line under the map; "" for none. */
  caption(look: Of, contours: boolean): string;
}

interface UnitKind extends Large<Look & { unit: Selected }> {
  tiles(): TilePainter;
  /** Whether a tile of a few pixels still says something. */
  small: boolean;
  /** What its picture shows now, in words; "" where there is nothing to say. */
  words?(look: Pick<Look, "layout" | "texts"> & { constants?: Arrays; unit: { address: string; unit: number } }, arrays: Arrays): string;
}

interface OutputKind extends Large<Look> {
  /** What is drawn of it in small. */
  spanned(output: Layout["output"]): { x: Interval; y: Interval };
  /** Rows of the data in small, where they are no points. */
  drawData?(context: Context, box: Box, layout: Layout, constants: Arrays, theme: Theme): void;
  /** Where each row that can be chosen stands, where rows can be. */
  places?(box: Box, layout: Layout): import("./canvas/output/grid.js").Places;
  /** The colour of a row's number. */
  valueColour(target: number, layout: Layout, theme: Theme): Rgb;
  /** What is to be said of it, and that in sentences. */
  facts(layout: Layout, arrays: Arrays, header?: Header): Facts;
  sentences(facts: Facts, layout: Layout, say: Say, list: Intl.ListFormat): string[];
  /** What is answered at `count` points; two runs differ where they are more than `apart` apart, which `share` tells. */
  answers(layout: Layout, arrays: Arrays): { share: string; apart: number; at: (i: number) => number; count: number };
  drawSmall(context: Context, size: number, moment: Moment, theme: Theme): void;
  /** Where two runs differ, and the first one's answer in pale where they agree. */
  drawDifference(context: Context, size: number, a: Moment, b: Moment, differs: (i: number) => boolean, theme: Theme, colours: [Rgb, Rgb]): void;
}

/** Numbers and names to be said; what they are belongs to the kind. */
type Facts = { kind: string } & Record<string, any>;
/** What is drawn of a run in small. */
type Moment = { layout: Layout; constants: Arrays; arrays: Arrays };

// The page

declare function clearTimeout(id: number | null | undefined): void;

/** Plotly as far as the curves use it. */
interface Plotly {
  react(element: HTMLElement, traces: object[], figure: object, options: object): void;
  relayout(element: HTMLElement, change: object): void;
  purge(element: HTMLElement): void;
}

interface Window {
  Plotly?: Plotly;
}

/** The markup beside each script has what the script asks for; a test in a browser would show what is missing. */
interface ParentNode {
  querySelector<Kind extends Element = HTMLElement>(selectors: string): Kind;
  querySelectorAll<Kind extends Element = HTMLElement>(selectors: string): NodeListOf<Kind>;
}

// The rail of settings: the catalogue is made in ui/rail/catalogue.py, what is told of a run in dlcore/editing/

/** A run's recipe as plain values, and what else has to be known to offer it for change. */
interface Settings {
  values: any;
  facts: RunFacts;
}

type Sizes = { inputs: string; outputs: string; parameters: number; inner?: Sizes[][] };

interface RunFacts {
  rows: { train: number; validation: number; test: number };
  few: { part: "validation" | "test"; rows: number; points: number; classes: boolean } | null;
  losses: string[];
  has_classes: boolean;
  has_features: boolean;
  own_split: boolean;
  own: Own | null;
  layers: Sizes[];
  output: Sizes & { units: number; activation: string };
  parameters: number;
  fitting: { layers: any[]; features?: string[]; optimizer: { kind: string; learning_rate: number }; batch_size: number } | null;
  rate: { wanted: number; own: boolean; present: number } | null;
  most_layers: number;
  kinds: string[];
  stacks: string[];
  device: string;
  devices: string[];
}

/** What this person brought: a table, or images. */
interface Own {
  kind: string;
  name: string;
  target: string;
  rows: number;
  columns: number;
  inputs: number;
  classes: number;
  height: number;
  width: number;
  plane: [string, string] | null;
  used: boolean;
}

type Option = { value: string; title: string };

interface Field {
  name: string;
  label: string;
  help: string;
  input: string;
  family?: string;
  options?: Option[];
  tucked?: boolean;
}

type NumberField = Field & { whole: boolean; zero?: string } & (
    | { input: "ladder"; rungs: number[] }
    | { input: "slider"; lower: number; upper: number; step: number }
  );
type EntryField = Field & { lower: number; upper: number };

type Kind = { title: string; plain: string; help: string; fields: Field[]; width?: string; holds?: string };
type Section = { name: string; title: string; fields: Field[] };
/** Points [x, y, class or value], or images as lists of pixels. */
type PointsOf = { points: [number, number, number][]; numbers: boolean };
type ImagesOf = { images: number[][]; width: number; brightest: number };
type TokensOf = { tokens: number[][] };
type TextsOf = { texts: string[] };
type SeriesOf = { series: number[][] };
type Thumbnail = PointsOf | ImagesOf | TokensOf | TextsOf | SeriesOf;

interface Catalogue {
  sections: Section[];
  families: Record<string, Record<string, Kind>>;
  groups: Record<string, string[]>;
  texts: Record<string, string>;
  thumbnails: Record<string, Record<string, any>> & { dataset: Record<string, Thumbnail>; activation: Record<string, number[]> };
}

/** An input, or several: `show` puts it to the recipe. */
type Input = { element: HTMLElement; show: (settings: Settings) => void };
type Offer = { element: HTMLElement; say: (sentence: string, what: string) => void };

/** What every input of the rail is made with. */
interface Kit {
  texts: Texts;
  catalogue: Catalogue;
  hand: import("./canvas/rail/hand.js").Hand;
  theme: Theme;
  command: Command;
  /** `plain` for everybody, then formulas and sources in small print. */
  openCard: (button: HTMLElement, title: string, plain: string[], fine: string[]) => void;
  /** A kind or a data set was chosen. */
  choose: (path: string, value: string) => void;
  addressOf: (page: string) => string;
  go: (address: string) => void;
}
