/** The tools' buttons, and the choices beside them. */

/** @typedef {"look" | "add" | "brush" | "move" | "erase"} Tool */

/** @type {Record<Tool, string>} */
const ICONS = {
  look: '<path d="M5 3l5.5 16 2.6-6.400L19.500 10z"/>',
  add: '<path d="M12 5v14M5 12h14" class="nn-stroke"/>',
  brush: '<path d="M20 3.500c-1-.8-2.400-.6-3.300.4l-7 7.800 3 3 7.500-7.300c1-.9 1-2.900-.2-3.900zM8.400 13c-2.300.3-3.200 1.900-3.300 3.800-.1 1.300-.8 2.100-2 2.600 3.400 1.700 8.300.9 8.400-3.200z"/>',
  move: '<path d="M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3" class="nn-stroke nn-fine"/>',
  erase: '<path d="M9.500 20h10M4.300 14.700l9.200-9.400c.8-.8 2-.8 2.800 0l3.400 3.400c.8.8.8 2 0 2.800L11.500 20h-3l-4.200-3c-.7-.7-.7-1.600 0-2.300zM9 10l6.200 6.200" class="nn-stroke nn-fine"/>',
};

/** What the tools are called, and what they do. */
/** @type {Record<Tool, [string, string]>} */
export const WORDS = {
  look: ["tool_look", "tool_look_help"], add: ["tool_add", "tool_add_help"], brush: ["tool_brush", "tool_brush_help"],
  move: ["tool_move", "tool_move_help"], erase: ["tool_erase", "tool_erase_help"],
};

export const TOOLS = /** @type {Tool[]} */ (Object.keys(ICONS));

/** @param {Tool} tool @param {(key: string) => string} say @param {() => void} press */
export function toolButton(tool, say, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "nn-map-tool";
  button.dataset.tool = tool;
  const [name, help] = WORDS[tool].map((key) => say(key));
  button.ariaLabel = name;
  button.title = `${name}: ${help}`;
  button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${ICONS[tool]}</svg>`;
  button.onclick = press;
  return button;
}

/** Choices that belong together. @param {string} name @param {Node[]} children */
export function group(name, children) {
  const element = document.createElement("div");
  element.className = "nn-choices";
  element.setAttribute("role", "group");
  element.ariaLabel = name;
  element.append(...children);
  return element;
}

/**
 * One choice.
 * @param {string} option @param {boolean} pressed @param {() => void} press @param {(Node | string)[]} children
 * @param {string} [name] where its content does not say it
 */
export function choice(option, pressed, press, children, name) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "nn-choice";
  element.dataset.option = option;
  element.ariaPressed = String(pressed);
  if (name) element.ariaLabel = element.title = name;
  element.append(...children);
  element.onclick = press;
  return element;
}

/** @param {...Node} children */
export function row(...children) {
  const element = document.createElement("div");
  element.className = "nn-drawing-row";
  element.append(...children);
  return element;
}
