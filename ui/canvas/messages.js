/** What a person has to know, one line each, in a polite live region. */

const CONNECTING_IS_NEWS_AFTER = 700; // milliseconds; a connection that is quick needs no words

export class Messages {
  /** @param {HTMLElement} root @param {(verb: string) => void} action */
  constructor(root, action) {
    this.region = root.querySelector(".nn-messages");
    this.action = action;
    this.notices = [];
    this.connection = "connecting";
    this.status = { status: "paused", problem: null };
    this.since = performance.now();
    this.shown = "";
  }

  build(texts) {
    this.texts = texts;
    this.shown = "";
    this.draw();
  }

  /** @param {"connecting"|"open"|"reconnecting"|"gone"} state */
  setConnection(state) {
    if (state === this.connection) return;
    this.connection = state;
    this.since = performance.now();
    clearTimeout(this.timer);
    if (state === "connecting" || state === "reconnecting") this.timer = setTimeout(() => this.draw(), CONNECTING_IS_NEWS_AFTER + 20);
    this.draw();
  }

  setStatus(header) {
    this.status = header;
    this.draw();
  }

  notice(notice) {
    this.notices = [...this.notices.filter((one) => one.key !== notice.key), notice].slice(-3);
    this.draw();
  }

  lines() {
    const say = (key) => this.texts.say(`canvas.${key}`);
    const lines = [];
    const waited = performance.now() - this.since > CONNECTING_IS_NEWS_AFTER;
    if (this.connection === "gone") lines.push({ id: "gone", tone: "warning", words: say("gone"), busy: true });
    else if (this.connection === "reconnecting" && waited) lines.push({ id: "reconnecting", tone: "warning", words: say("reconnecting"), busy: true });
    else if (this.connection === "connecting" && waited) lines.push({ id: "connecting", tone: "plain", words: say("connecting"), busy: true });
    const { status, problem } = this.status;
    if (status === "diverged") {
      lines.push({ id: "diverged", tone: "error", words: problem ? this.texts.problem(problem) : say("diverged"), fixes: ["fix_learning_rate", "fix_gradient_clip"] });
    } else if (status === "early_stopped" || status === "epoch_limit") {
      lines.push({ id: status, tone: "plain", words: problem ? this.texts.problem(problem) : say(status) });
    } else if (problem) lines.push({ id: `problem ${problem.key}`, tone: "error", words: this.texts.problem(problem) });
    for (const notice of this.notices) lines.push({ id: `notice ${notice.key}`, tone: "plain", words: this.texts.problem(notice), notice });
    return lines;
  }

  draw() {
    if (!this.texts) return;
    const lines = this.lines();
    const shown = JSON.stringify(lines.map((line) => [line.id, line.words]));
    if (shown === this.shown) return;
    this.shown = shown;
    this.region.replaceChildren(...lines.map((line) => this.line(line)));
  }

  line({ tone, words, fixes, notice, busy, id }) {
    const element = document.createElement("div");
    element.className = `nn-message nn-message-${tone}${busy ? " nn-busy" : ""}`;
    element.dataset.message = id;
    const text = document.createElement("span");
    text.className = "nn-message-words";
    text.textContent = words;
    element.append(text);
    for (const fix of fixes ?? []) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "nn-fix";
      button.textContent = this.texts.say(`canvas.${fix}`);
      button.onclick = () => this.action(fix);
      element.append(button);
    }
    if (notice) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "nn-dismiss";
      button.ariaLabel = this.texts.say("canvas.dismiss");
      button.textContent = "×";
      button.onclick = () => {
        this.notices = this.notices.filter((one) => one !== notice);
        this.draw();
      };
      element.append(button);
    }
    return element;
  }

  forget() {
    this.notices = [];
    this.status = { status: "paused", problem: null };
    this.draw();
  }

  destroy() {
    clearTimeout(this.timer);
  }
}
