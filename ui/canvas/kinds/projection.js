/** The output over a plane that is no plane of two inputs: of the first two principal components. */

import { percent } from "../words/format.js";
import { planeOutput } from "./plane.js";

/** @type {OutputKind} */
export const projectionOutput = {
  ...planeOutput,
  caption(look, contours) {
    if (contours) return planeOutput.caption(look, contours);
    const [first, second] = look.layout.output.explained.map((share) => percent(share, 0));
    return look.texts.say("canvas.projection_caption", { first, second });
  },
};
