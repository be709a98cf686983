/** The one way to a canvas's drawing context. */

/** The context that draws on a canvas. Every browser that runs these scripts has one. @param {HTMLCanvasElement} canvas */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser does not draw on a canvas.");
  return context;
}
