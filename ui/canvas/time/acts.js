/** Undo, Redo, and the list of all that was done to the run, to go back in. The words come from the server, which knows every setting's name. */

import { Dialog } from "../dialogs.js";

/** @typedef {{id: number, bare: boolean, words: string}} Act  bare: going there brings back settings only */

const NAMED = { undo: "canvas.undo_act", redo: "canvas.redo_act" };
const PAUSE = 400; // milliseconds between two questions: a weight that is dragged changes with every frame
const PATIENCE = 5000; // milliseconds until a question that was not answered is asked again

/**
 * What the server says, with the words that are known already: it sends only those of acts that are new.
 * @param {Map<number, string>} known by the acts' ids; those that are gone are forgotten, new ones come in
 * @param {{id: number, bare: boolean, words?: string}[]} told @returns {Act[]}
 */
export function withWords(known, told) {
  const acts = told.map(({ id, bare, words }) => ({ id, bare, words: words ?? known.get(id) ?? "" }));
  known.clear();
  for (const { id, words } of acts) known.set(id, words);
  return acts;
}

/**
 * The entries of the list, the latest first: where one can go, what that is called, and whether the run stands there.
 * @param {Act[]} acts @param {number} position the id of the act after which the run stands, 0: before the first
 * @param {boolean} bareStart @param {Texts} texts
 */
export function entriesOf(acts, position, bareStart, texts) {
  const start = { id: 0, bare: bareStart, words: texts.say("canvas.acts_start") };
  const at = acts.findIndex((act) => act.id === position);
  return [start, ...acts].map(({ id, bare, words }, number) => ({
    id, bare, words: bare ? texts.say("canvas.act_bare", { act: words }) : words, here: id === position, undone: number > at + 1,
  })).toReversed();
}

export class Acts {
  /** @type {Texts} */
  texts;
  /** @type {string | null} */
  token;
  /** @type {Act[]} */
  acts;
  /** @type {number} */
  position;
  /** @type {boolean} */
  bareStart;
  /** @type {number | undefined} */
  timer;
  /** @type {string | null} */
  wanted;
  /** @type {string | null} */
  known;
  /** @type {Header["acts"] | null} */
  header;

  /** @param {HTMLElement} root @param {{command: Command}} host @param {URL} api */
  constructor(root, host, api) {
    this.root = root;
    this.host = host;
    this.api = api;
    /** @template {HTMLElement} [Kind=HTMLElement] @param {string} name @returns {Kind} */
    const find = (name) => root.querySelector(name);
    /** @type {Record<"undo" | "redo", HTMLButtonElement>} */
    this.buttons = { undo: find('[data-do="undo"]'), redo: find('[data-do="redo"]') };
    this.opener = /** @type {HTMLButtonElement} */ (find('[data-do="acts"]'));
    this.dialog = new Dialog(find(".nn-acts"), this.opener);
    this.list = this.dialog.element.querySelector("ol");
    this.none = this.dialog.element.querySelector(".nn-acts-none");
    this.help = this.dialog.element.querySelector(".nn-acts-help");
    /** @type {Map<number, string>} */
    this.words = new Map();
    for (const verb of /** @type {const} */ (["undo", "redo"])) this.buttons[verb].onclick = () => this.press(verb);
    this.opener.onclick = () => this.dialog.open();
    this.forget(null);
  }

  /** Another run. @param {string | null} token */
  forget(token) {
    this.token = token;
    this.header = null;
    this.acts = [];
    this.position = 0;
    this.bareStart = false;
    this.words.clear();
    this.since = 0; // the version of the acts whose words are known
    this.language = "";
    this.wanted = this.known = null; // a version, and a language
    clearTimeout(this.timer);
    this.timer = undefined;
    this.show();
  }

  /** A new language. @param {Texts} texts */
  build(texts) {
    this.texts = texts;
    this.dialog.name(texts.say("canvas.acts"), texts.say("canvas.close"));
    this.opener.title = texts.say("canvas.acts");
    this.help.textContent = texts.say("canvas.acts_help");
    this.none.textContent = texts.say("canvas.acts_none");
    this.show();
    if (this.header) this.read(this.header);
  }

  /** @param {Header["acts"]} header of a frame */
  read(header) {
    const changed = header.version !== this.header?.version;
    this.header = header;
    this.wanted = `${header.version} ${this.root.lang}`;
    if (this.wanted !== this.known && this.timer === undefined) this.ask();
    if (changed) this.show();
  }

  /** One question is under way at a time; what is wanted meanwhile is asked for after it. */
  async ask() {
    const { token, root: { lang } } = this;
    this.timer = setTimeout(() => this.askAgain(token), PATIENCE);
    if (lang !== this.language) this.since = 0;
    let told = null;
    try {
      const answer = await fetch(new URL(`live/${token}/acts?language=${lang}&since=${this.since}`, this.api));
      if (answer.status === 200) told = await answer.json();
    } catch {
      return; // Nobody answered: the next frame after the wait asks again.
    }
    if (token !== this.token || told === null) return;
    this.take(told, lang);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.askAgain(token), PAUSE);
  }

  /**
   * @param {{acts: {id: number, bare: boolean, words?: string}[], position: number, bare_start: boolean, version: number}} told
   * @param {string} language
   */
  take(told, language) {
    this.acts = withWords(this.words, told.acts);
    this.position = told.position;
    this.bareStart = told.bare_start;
    this.since = told.version;
    this.language = language;
    this.known = `${told.version} ${language}`;
    this.show();
  }

  /** @param {string | null} token of the run that was asked about */
  askAgain(token) {
    if (token !== this.token) return;
    this.timer = undefined;
    if (this.wanted !== null && this.wanted !== this.known) this.ask();
  }

  /** @param {"undo" | "redo"} verb */
  press(verb) {
    // A button that is disabled would lose the focus: it stays where it is, and does nothing.
    if (this.buttons[verb].ariaDisabled !== "true") this.host.command(verb);
  }

  show() {
    if (!this.texts) return;
    const { acts, header, bareStart } = this;
    const at = acts.findIndex((act) => act.id === this.position);
    this.name("undo", acts[at], at > 0 ? acts[at - 1].bare : bareStart);
    this.name("redo", acts[at + 1], acts[at + 1]?.bare ?? false);
    this.none.hidden = acts.length > 0;
    this.list.hidden = !acts.length;
    const entries = acts.length ? entriesOf(acts, this.position, bareStart, this.texts) : [];
    while (this.list.children.length > entries.length) this.list.lastElementChild?.remove();
    while (this.list.children.length < entries.length) this.list.append(this.entry());
    entries.forEach((entry, row) => this.dress(/** @type {HTMLElement} */ (this.list.children[row]), entry));
    for (const verb of /** @type {const} */ (["undo", "redo"])) this.buttons[verb].ariaDisabled = String(!header?.[verb]);
  }

  /** What a button would take back or do again, once it is known. @param {"undo" | "redo"} verb @param {Act | undefined} act @param {boolean} bare */
  name(verb, act, bare) {
    const { texts, header } = this;
    const known = act?.words && header?.[verb] && header.version === this.since;
    const words = known ? texts.say(NAMED[verb], { act: bare ? texts.say("canvas.act_bare", { act: act.words }) : act.words }) : texts.say(`canvas.${verb}`);
    const button = this.buttons[verb];
    if (button.ariaLabel === words) return;
    button.ariaLabel = words;
    button.title = `${words} (${verb === "undo" ? "Ctrl+Z" : "Ctrl+Y"})`;
  }

  entry() {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "nn-act";
    button.onclick = () => this.host.command("jump", Number(button.dataset.act));
    row.append(button);
    return row;
  }

  /** @param {HTMLElement} row @param {ReturnType<typeof entriesOf>[number]} entry */
  dress(row, { id, words, bare, here, undone }) {
    const button = /** @type {HTMLButtonElement} */ (row.firstElementChild);
    button.dataset.act = String(id);
    if (button.textContent !== words) button.textContent = words;
    button.ariaCurrent = here ? "step" : null;
    button.title = bare ? this.texts.say("canvas.acts_bare_help") : "";
    button.classList.toggle("nn-undone", undone);
  }

  destroy() {
    clearTimeout(this.timer);
  }
}
