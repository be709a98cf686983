/** What a person has to know, one line each, in a polite live region. */

/**
 * @typedef {Told & {time: number, words?: string}} Notice  `words`: those of the page, which has said it in full
 * @typedef {{id: string, values?: Record<string, string | number>, fixes?: string[], busy?: boolean, press?: (fix: string) => void}} Offer
 * @typedef {{id: string, tone: string, words: string, fixes?: string[], busy?: boolean, press?: (fix: string) => void,
 *            notice?: Notice | Offer | null, time?: number, values?: Record<string, string | number>, dismiss?: () => void}} Line  `values`: for the words of the fixes
 * @typedef {Pick<Header, "status" | "problem" | "best">} Standing
 */

const LONGEST_NOTICE = 15_000; // milliseconds that a notice is shown, unless somebody is at it
const CONNECTING_IS_NEWS_AFTER = 700; // milliseconds; a connection that is quick needs no words
const UNDONE = new Set(["weights_kept", "began_anew"]); // notices of what an act lost

/**
 * Two lines that say the same are the same line; a notice that comes again is a new one.
 * @param {Pick<Line, "id" | "words" | "time" | "busy" | "fixes" | "values">} line
 */
const saying = ({ id, words, time, busy, fixes, values }) => `${id} ${words} ${time ?? ""} ${busy ?? ""} ${fixes ?? ""} ${JSON.stringify(values ?? "")}`;

/** Notices of the page that were shown, each as its session and its number there: a canvas that is made again does not repeat them. */
const heard = new Set();

/** What a notice is about, in whatever words: "weights_kept" of "weights_kept.classes". @param {{key: string}} notice */
const subject = (notice) => notice.key.split(".")[0];

export class Messages {
  /** @type {Texts} */
  texts;
  /** @type {Notice[]} */
  notices;
  /** @type {Offer | null} */
  offer;
  /** @type {Connection} */
  connection;
  /** @type {Standing} */
  status;
  /** @type {number | undefined} */
  timer;
  /** @type {number | undefined} */
  expiring;

  /** @param {HTMLElement} root @param {Action} action @param {Command} command @param {import("./coach.js").Coach} coach */
  constructor(root, action, command, coach) {
    this.region = /** @type {HTMLElement} */ (root.querySelector(".nn-messages"));
    this.statusLine = /** @type {HTMLElement} */ (root.querySelector(".nn-status"));
    this.more = /** @type {HTMLButtonElement} */ (root.querySelector(".nn-more-messages"));
    this.more.onclick = () => this.open(this.more.ariaExpanded !== "true");
    this.action = action;
    this.command = command;
    this.coach = coach;
    this.notices = [];
    this.offer = null;
    /** @type {Example | null} */
    this.example = null;
    this.dataset = "";
    this.connection = "connecting";
    this.searching = false;
    this.status = { status: "paused", problem: null, best: null };
    this.since = performance.now();
    this.shown = "";
  }

  /** @param {Texts} texts */
  build(texts) {
    this.texts = texts;
    this.shown = "";
    this.region.replaceChildren(); // The words of the buttons are in the old language.
    this.draw();
  }

  /** @param {Connection} state */
  setConnection(state) {
    if (state === this.connection) return;
    this.connection = state;
    this.since = performance.now();
    clearTimeout(this.timer);
    if (state === "connecting" || state === "reconnecting") this.timer = setTimeout(() => this.draw(), CONNECTING_IS_NEWS_AFTER + 20);
    this.draw();
  }

  /** A run to go back to. @param {Offer | null} offer */
  setOffer(offer) {
    this.offer = offer;
    this.draw();
  }

  /** @param {Standing & Pick<Header, "acts">} header */
  setStatus(header) {
    this.status = header;
    // What was told of an act is old when another one was done.
    this.notices = this.notices.filter(({ values }) => values?.act === undefined || Number(values.act) >= header.acts.version);
    this.draw();
  }

  /** @param {Told} notice */
  notice(notice) {
    this.notices = [...this.notices.filter((one) => subject(one) !== subject(notice)), { ...notice, time: performance.now() }].slice(-3);
    this.draw();
  }

  /** What the page has told last; of what it no longer says nothing stays. @param {{number: number, words: string}[]} told @param {string} session */
  hear(told, session) {
    /** @param {number} number */
    const key = (number) => `page ${session} ${number}`;
    const keys = new Set(told.map(({ number }) => key(number)));
    const stay = this.notices.filter((one) => one.words === undefined || keys.has(one.key));
    const fresh = told.filter(({ number }) => !heard.has(key(number))).map(({ number, words }) => ({ key: key(number), values: {}, words, time: performance.now() }));
    if (!fresh.length && stay.length === this.notices.length) return;
    for (const { key: one } of fresh) heard.add(one);
    this.notices = [...stay, ...fresh].slice(-3);
    this.draw();
  }

  lines() {
    /** @param {string} key */
    const say = (key) => this.texts.say(`canvas.${key}`);
    /** @type {Line[]} */
    const lines = [];
    const waited = performance.now() - this.since > CONNECTING_IS_NEWS_AFTER;
    if (this.connection === "gone") lines.push({ id: "gone", tone: "warning", words: say("gone"), busy: true });
    else if (this.connection === "reconnecting" && waited) lines.push({ id: "reconnecting", tone: "warning", words: say("reconnecting"), busy: true });
    else if (this.connection === "refused") lines.push({ id: "refused", tone: "error", words: say("refused") });
    else if (this.connection === "connecting" && waited) lines.push({ id: "connecting", tone: "plain", words: say("connecting"), busy: true });
    if (this.offer) {
      const { id, values, fixes, press, busy } = this.offer;
      const notice = fixes || busy ? null : this.offer;
      lines.push({ id, tone: "plain", words: this.texts.say(`canvas.${id}`, values), fixes, press, busy, notice });
    }
    const { status, problem } = this.status;
    if (status === "diverged") {
      const fixes = ["back_to_sound", this.searching ? "finding_rate" : "find_rate"];
      lines.push({ id: "diverged", tone: "error", words: problem ? this.texts.say("canvas.diverged_at", problem.values) : say("diverged"), fixes, press: (fix) => this.mend(fix) });
    } else if (status === "early_stopped") {
      const fixes = this.status.best === null ? ["go_on_anyway"] : ["back_to_best", "go_on_anyway"];
      lines.push({ id: status, tone: "plain", words: problem ? this.texts.problem(problem) : say(status), fixes, press: (fix) => this.answerStop(fix) });
    } else if (status === "epoch_limit") lines.push({ id: status, tone: "plain", words: say(status) });
    else if (problem) lines.push({ id: `problem ${problem.key}`, tone: "error", words: this.texts.problem(problem) });
    for (const notice of this.notices.toReversed()) {
      const fixes = UNDONE.has(subject(notice)) ? ["undo"] : undefined;
      lines.push({ id: `notice ${subject(notice)}`, tone: "plain", words: notice.words ?? this.texts.problem(notice), fixes, press: this.command, notice, time: notice.time });
    }
    const advice = this.coach.line();
    if (advice) lines.push(advice);
    // One sentence at a time. And the page may not know yet that the run has other data.
    else if (this.example && this.example.dataset === this.dataset) {
      const { id, question } = this.example;
      lines.push({ id: `example ${id}`, tone: "coach", words: question, dismiss: () => this.action("close_example") });
    }
    return lines;
  }

  /** The question of the example that is open. @param {Example | null} example */
  setExample(example) {
    if (example?.question === this.example?.question) return;
    this.example = example;
    this.draw();
  }

  /** The kind of data that the run has. @param {string} dataset */
  setDataset(dataset) {
    this.dataset = dataset;
  }

  /** A learning rate is looked for, or no longer. @param {boolean} on */
  setSearching(on) {
    this.searching = on;
    this.draw();
  }

  /** @param {string} fix */
  mend(fix) {
    if (fix === "finding_rate") return;
    if (fix === "back_to_sound") {
      this.command("recover");
      return;
    }
    this.action(fix);
    if (fix === "find_rate") this.setSearching(true); // Until the page says otherwise.
  }

  /** @param {string} fix */
  answerStop(fix) {
    if (fix === "go_on_anyway") this.command("play");
    else this.command("rewind", this.status.best);
  }

  /** Show all lines, over what is above, or the first one alone. @param {boolean} all */
  open(all) {
    this.more.ariaExpanded = String(all);
    this.statusLine.classList.toggle("nn-all-messages", all);
  }

  /** A notice goes by itself, so that it does not stay through the next experiment. */
  expire() {
    clearTimeout(this.expiring);
    const oldest = this.notices[0];
    if (!oldest) return;
    this.expiring = setTimeout(() => {
      if (this.region.matches(":hover, :focus-within")) this.expire();
      else {
        this.notices = this.notices.filter((one) => performance.now() - one.time < LONGEST_NOTICE);
        this.draw();
      }
    }, Math.max(1000, LONGEST_NOTICE - (performance.now() - oldest.time)));
  }

  draw() {
    if (!this.texts) return;
    const lines = this.lines();
    const shown = JSON.stringify(lines.map(saying));
    if (shown === this.shown) return;
    this.shown = shown;
    // Lines that stay are the same elements: a screen reader speaks only what is new, and a button in use keeps its focus.
    const before = new Map([...this.region.querySelectorAll(":scope > *")].map((element) => [element.dataset.said, element]));
    const focused = this.region.querySelector(":focus") !== null;
    const elements = lines.map((line) => before.get(saying(line)) ?? this.line(line));
    for (const element of before.values()) if (!elements.includes(element)) element.remove();
    elements.forEach((element, at) => {
      if (this.region.children[at] !== element) this.region.insertBefore(element, this.region.children[at] ?? null);
    });
    this.statusLine.classList.toggle("nn-quiet", lines.length === 0);
    this.more.hidden = lines.length < 2;
    this.more.textContent = this.texts.say("canvas.more_messages", { count: lines.length - 1 });
    if (lines.length < 2) this.open(false);
    this.expire();
    if (focused && !this.region.querySelector(":focus")) (this.region.querySelector("button") ?? this.region).focus();
  }

  /** @param {Line} line */
  line({ tone, words, fixes, press, notice, busy, id, time, values, dismiss }) {
    const element = document.createElement("div");
    element.className = `nn-message nn-message-${tone}${busy ? " nn-busy" : ""}`;
    element.dataset.message = id;
    element.dataset.said = saying({ id, words, time, busy, fixes, values });
    const text = document.createElement("span");
    text.className = "nn-message-words";
    text.textContent = words;
    element.append(text);
    for (const fix of fixes ?? []) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "nn-fix";
      button.dataset.fix = fix;
      if (fix === "finding_rate") button.setAttribute("aria-disabled", "true");
      button.textContent = this.texts.say(`canvas.${fix}`, values);
      button.onclick = () => press?.(fix);
      element.append(button);
    }
    if (notice || dismiss) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "nn-dismiss";
      button.ariaLabel = this.texts.say("canvas.dismiss");
      button.textContent = "×";
      button.onclick = dismiss ?? (() => {
        this.notices = this.notices.filter((one) => one !== notice);
        if (this.offer === notice) this.offer = null;
        this.draw();
      });
      element.append(button);
    }
    return element;
  }

  forget() {
    this.notices = [];
    this.status = { status: "paused", problem: null, best: null };
    this.draw();
  }

  destroy() {
    clearTimeout(this.timer);
    clearTimeout(this.expiring);
  }
}
