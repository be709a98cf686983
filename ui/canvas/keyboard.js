/** One key for each of the things that people do all the time, and the dialog that lists the keys. */

import { Dialog } from "./dialogs.js";
import { keepChoice } from "./words/choices.js";

/** Which button of the bar a key presses. */
/** @type {Record<string, string>} */
const KEYS = { " ": "play", s: "step", e: "epoch", r: "reset", d: "describe", "?": "keys", "？": "keys" };
/** The same with Ctrl, or Command. */
/** @type {Record<string, string>} */
const CHORDS = { z: "undo", y: "redo", "shift z": "redo" };
const REPEATED = "step"; // a held key goes on stepping; all else happens once a press
const kept = keepChoice("nn-single-keys"); // It belongs to the person, not to the run.

const TYPING = 'input:not([type="checkbox"], [type="radio"], [type="range"], [type="button"], [type="file"]), textarea, select, [contenteditable]:not([contenteditable="false"])';
/** Where keys choose from a list, or belong to what lies above the page. */
const OWN_KEYS = '[role="textbox"], [role="searchbox"], [role="spinbutton"], [role="combobox"], [role="listbox"], [role="menu"], dialog, [role="dialog"], [role="alertdialog"]';
/** What lies above the page no longer: until the browser has moved the focus out of it, keys are still sent to it. */
const CLOSED = "[popover]:not(:popover-open), dialog:not([open])";
/** What Space presses, moves or opens itself. */
const PRESSABLE = 'button, a[href], input, summary, audio, video, [role="button"], [role="link"], [role="slider"], [role="checkbox"], [role="switch"], [role="radio"], [role="tab"], [role="option"], [role="menuitem"], [role="application"]';

/** What a key pressed here should do; null where it belongs to something else. @param {KeyboardEvent} event */
export function meaningOf(event) {
  if (event.altKey || event.isComposing) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const chord = event.ctrlKey || event.metaKey;
  const verb = chord ? CHORDS[event.shiftKey ? `shift ${key}` : key] : KEYS[key];
  // A shifted letter is no shortcut; the question mark needs the shift key on most keyboards.
  if (!verb || (event.shiftKey && !chord && verb !== "keys") || (event.repeat && verb !== REPEATED)) return null;
  // Not event.target alone: from outside, a field within a shadow root looks like its host.
  const path = event.composedPath().filter((one) => one instanceof Element);
  /** @param {string} selector */
  const inside = (selector) => path.some((element) => element.matches(selector));
  if (inside(CLOSED)) return verb;
  if (inside(TYPING) || inside(OWN_KEYS) || (key === " " && inside(PRESSABLE))) return null;
  return verb;
}

export class Keyboard {
  /** @type {HTMLInputElement} */
  choice;

  /** @param {HTMLElement} root holds the buttons `[data-do]` that the keys press, and the dialog `.nn-keys` */
  constructor(root) {
    this.root = root;
    this.opener = /** @type {HTMLButtonElement} */ (root.querySelector('[data-do="keys"]'));
    this.dialog = new Dialog(root.querySelector(".nn-keys"), this.opener);
    this.rows = this.dialog.element.querySelector("tbody");
    this.choice = this.dialog.element.querySelector(".nn-keys-choice");
    this.opener.onclick = () => this.dialog.open();
    // Single keys must be possible to switch off (WCAG 2.1.4): spoken words arrive as letters.
    this.choice.checked = kept.read() !== "off";
    this.choice.onchange = () => kept.write(this.choice.checked ? "on" : "off");
    // In the capturing phase, for Streamlit listens on the document too, and its R reruns the page.
    this.listen = (/** @type {KeyboardEvent} */ event) => this.press(event);
    document.addEventListener("keydown", this.listen, true);
  }

  /** A new language. @param {Texts} texts */
  build(texts) {
    /** @param {string} key */
    const say = (key) => texts.say(`canvas.${key}`);
    this.dialog.name(say("keys"), say("close"));
    this.opener.title = `${say("keys")} (?)`;
    const head = this.dialog.element.querySelectorAll("th[scope=col]");
    head[0].textContent = say("key_column");
    head[1].textContent = say("key_meaning");
    const lines = [
      [say("key_space"), say("keys_play")], ["S", say("keys_step")], ["E", say("keys_epoch")], ["R", say("keys_reset")],
      ["D", say("keys_describe")], ["?", say("keys_keys")], ["← ↑ → ↓", say("keys_arrows")], ["Enter", say("keys_enter")],
      ["Esc", say("keys_escape")], ["Ctrl+Z", say("keys_undo")], ["Ctrl+Y", say("keys_redo")],
    ];
    this.rows.replaceChildren(...lines.map(([key, meaning]) => {
      const row = document.createElement("tr");
      const name = Object.assign(document.createElement("th"), { scope: "row" });
      name.append(Object.assign(document.createElement("kbd"), { textContent: key }));
      row.append(name, Object.assign(document.createElement("td"), { textContent: meaning }));
      return row;
    }));
    /** @type {Element} */ (this.choice.nextElementSibling).textContent = say("keys_choice");
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.defaultPrevented || !this.root.isConnected) return;
    const verb = meaningOf(event);
    // Only single keys can be switched off.
    if (!verb || (!this.choice.checked && !event.ctrlKey && !event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    const button = this.root.querySelector(`[data-do="${verb}"]`);
    // A button that a teacher's link hides is not to be pressed by its key either.
    if (button?.checkVisibility()) button.click();
  }

  destroy() {
    document.removeEventListener("keydown", this.listen, true);
  }
}
