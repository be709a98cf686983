/** Shapes that tell classes apart without their colours. */

/** @typedef {Pick<Context, "moveTo" | "lineTo" | "closePath" | "arc">} Pen */

/** A class's shape by its index: circle, diamond, triangles, square, plus, star, pentagon, cross, hexagon. */
const SHAPES = [
  null, // a circle
  polygon(4, 0, 1.22), polygon(3, 0, 1.3), polygon(4, 45, 1.2), polygon(3, 180, 1.3),
  cross(0), star(), polygon(5, 0, 1.15), cross(45), polygon(6, 30, 1.12),
];

/**
 * Corners on a circle of `reach`, the first one straight up turned by `turn` degrees.
 * @param {number} corners @param {number} turn @param {number} reach
 */
function polygon(corners, turn, reach) {
  return Array.from({ length: corners }, (_, i) => {
    const angle = ((turn - 90) * Math.PI) / 180 + (2 * Math.PI * i) / corners;
    return [reach * Math.cos(angle), reach * Math.sin(angle)];
  });
}

function star() {
  return polygon(10, 0, 1).map(([x, y], i) => (i % 2 ? [x * 0.58, y * 0.58] : [x * 1.4, y * 1.4]));
}

/** @param {number} turn */
function cross(turn) {
  const [thin, long] = [0.42, 1.25];
  const corners = [[-thin, -long], [thin, -long], [thin, -thin], [long, -thin], [long, thin], [thin, thin], [thin, long], [-thin, long], [-thin, thin], [-long, thin], [-long, -thin], [-thin, -thin]];
  const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  return corners.map(([x, y]) => [x * cos - y * sin, x * sin + y * cos]);
}

/**
 * The outline of class `index`'s marker, into the current path.
 * @param {Pen} context @param {number} index @param {number} x @param {number} y @param {number} radius
 */
export function traceMarker(context, index, x, y, radius) {
  const corners = SHAPES[index % SHAPES.length];
  if (!corners) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  corners.forEach(([dx, dy], i) => (i ? context.lineTo(x + dx * radius, y + dy * radius) : context.moveTo(x + dx * radius, y + dy * radius)));
  context.closePath();
}

/** A class's marker as a small picture for legends and buttons. @param {number} index @param {string} colour CSS */
export function markerIcon(index, colour, hollow = false) {
  let outline = "";
  /** @type {Pen} */
  const pen = {
    moveTo: (x, y) => { outline += `M${x.toFixed(2)} ${y.toFixed(2)}`; },
    lineTo: (x, y) => { outline += `L${x.toFixed(2)} ${y.toFixed(2)}`; },
    closePath: () => { outline += "Z"; },
    arc: (x, y, r) => { outline += `A${r} ${r} 0 1 1 ${(x - r).toFixed(2)} ${y}A${r} ${r} 0 1 1 ${(x + r).toFixed(2)} ${y}Z`; },
  };
  traceMarker(pen, index, 8, 8, 4.8);
  const name = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(name, "svg");
  const path = document.createElementNS(name, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "nn-marker");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", outline);
  path.style.cssText = hollow ? `fill:none;stroke:${colour};stroke-width:1.8` : `fill:${colour}`;
  svg.append(path);
  return svg;
}
