/**
 * The kinds of pictures, as a frame's layout names them. To add one: its file in `kinds/`, its line here, and the server's half,
 * `dlcore/pictures/<kind>.py`. What a kind does is in `types.d.ts`; nobody else asks what kind a picture is.
 */

import { barsUnit } from "./kinds/bars.js";
import { examplesOutput } from "./kinds/examples.js";
import { imageUnit } from "./kinds/image.js";
import { lineOutput, lineUnit } from "./kinds/line.js";
import { planeOutput, planeUnit } from "./kinds/plane.js";
import { projectionOutput } from "./kinds/projection.js";
import { sequenceUnit } from "./kinds/sequence.js";
import { tokensUnit } from "./kinds/tokens.js";
import { mapOf } from "./output/unit.js";

/** Of a unit. @type {Record<string, UnitKind>} */
export const UNITS = { plane: planeUnit, line: lineUnit, bars: barsUnit, image: imageUnit, sequence: sequenceUnit, tokens: tokensUnit };
/** Of the output. @type {Record<string, OutputKind>} */
export const OUTPUTS = { plane: planeOutput, line: lineOutput, projection: projectionOutput, examples: examplesOutput };

/** Of the units of a layer, or of the inputs. @param {Layout} layout @param {string} [address] */
export const unitKind = (layout, address) => UNITS[mapOf(layout, address).kind];

/** @param {Layout} layout */
export const outputKind = (layout) => OUTPUTS[layout.output.kind];
