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
type Values = (Float32Array | Uint8Array) & { shape: number[] };
/** The arrays of a frame by their names: "weight/0", "maps/0", "output" ... Those that were not wanted or do not apply are absent. */
type Arrays = Record<string, Values>;
type Metric = "accuracy" | "r2";

interface Layer {
  kind: string;
  units: number;
  shown: number;
  parameters: number;
  activation: string;
  /** Of a dropout. */
  p: number;
}

/** A surface over which something is answered: a plane has rows and columns, a line columns only. */
interface Surface {
  kind: "plane" | "line" | "bars" | "projection";
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
  metric: Metric;
  inputs: { names: string[]; units: number; shown: number };
  layers: Layer[];
  /** Of a unit; `groups` where it is bars. */
  map: Surface & { groups: string[] };
  output: Surface & { value_range: Interval; axes: [string, string]; dataset: string; explained: [number, number] };
}

type Status = "playing" | "paused" | "diverged" | "early_stopped" | "epoch_limit";
type Told = { key: string; values?: Record<string, string | number> };

interface Header {
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
  metrics: Splits<Partial<Record<Metric, Finite>>>;
  device: string;
  engine: "dense" | "autograd";
  watched: "test" | "validation";
  loss_kind: string;
  problem: Told | null;
  history_from: number;
  history_columns: string[];
  moments_version: number;
  undo: number;
  moment?: { id: number; step: number; epoch: number; progress: number };
  live?: { step: number; epoch: number };
  histograms?: Record<"weights" | "activations" | "gradients", Interval>[];
  probe?: ProbeFrame;
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
}

/** What a viewer asks for beside the usual. */
interface Wants {
  gradients: boolean;
  histograms: boolean;
  probe: { split: Split; row: number } | null;
  moment: number | null;
}

type Connection = "connecting" | "open" | "reconnecting" | "gone" | "refused";

// What is drawn

type Rgb = import("./canvas/colours.js").Rgb;
type Theme = ReturnType<typeof import("./canvas/colours.js").readTheme>;
type Texts = import("./canvas/words/format.js").Texts;
type Say = (key: string, values?: Record<string, string | number>) => string;
type Rows = Pick<import("./canvas/curves/curves.js").History, "rows" | "columns">;
type Tile = import("./canvas/network/geometry.js").Tile;
type Column = import("./canvas/network/geometry.js").Column;
type Geometry = ReturnType<typeof import("./canvas/network/geometry.js").arrange>;
type Place = import("./canvas/network/places.js").Place;
type Point = import("./canvas/output/edits.js").Point;
type Network = import("./canvas/network/network.js").Network;
type Output = import("./canvas/output/output.js").Output;
type Run = import("./compare/run.js").Run;
type Box = { x: number; y: number; size: number };
type ToPixels = (x: number, y: number) => [number, number];
/** The unit that is looked at. */
type Selected = Place & { name: string; column: Column };
/** What the large map shows: over which ranges, with which names on its axes. */
type View = { kind: "bars" } | { kind: "plane" | "line"; x: Interval; y: Interval; names: [string, string] };
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
>;

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
