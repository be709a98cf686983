/** The buttons over the pictures of the neurons: looked at, pinned, pressed at the bias. */

import { FINGER } from "./geometry.js";
import { INPUTS, same, unitItem } from "./items.js";

const BIAS_REACH = 9; // pixels around a bias that press it

/** @param {Network} network @param {Column} column @param {Tile} tile */
export function makeNeuron(network, column, tile) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "nn-neuron";
  button.tabIndex = -1;
  button.ariaLabel = network.names.unitName(column, tile.unit);
  button.style.cssText = `left:${tile.x - 1}px;top:${tile.y - 1}px;width:${tile.size + 2}px;height:${tile.size + 2}px;border-radius:${tile.size * 0.13 + 2}px`;
  // A finger meets more than the picture, as far as no other unit stands there.
  button.style.setProperty("--nn-reach", `${Math.max(0, Math.min(FINGER, column.pitch) - tile.size - 2) / 2}px`);
  const item = unitItem(network.layout, column.address, tile.unit);
  button.onpointerenter = () => network.look(item);
  button.onfocus = () => button.matches(":focus-visible") && network.look(item);
  button.onpointerleave = () => !button.matches(":focus-visible") && network.look(null);
  button.onblur = () => network.look(null);
  button.onclick = (event) => press(network, item, event, button, tile);
  return button;
}

/** @param {Network} network @param {Item} item @param {MouseEvent} event @param {HTMLButtonElement} button @param {Tile} tile */
function press(network, item, event, button, tile) {
  event.stopPropagation();
  const box = button.getBoundingClientRect();
  // A press on the bias is for its number.
  const onBias = event.detail > 0 && item.address !== INPUTS && tile.size > 26 && Math.hypot(event.clientX - box.left, box.bottom - event.clientY) < BIAS_REACH;
  network.pin(same(item, network.pinned) && !onBias ? null : item);
  // On a phone the card of what is pinned stands over the page's foot: what was pressed stays in sight.
  if (network.pinned && network.geometry.phone) button.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (onBias) network.inspector.input.select();
}
