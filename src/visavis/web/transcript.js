// The transcript: a log of finished messages, and what is being said just now in grey below it.

import { announce, at, element, icon } from "./dom.js";

const KEPT = 400; // messages on the page

export class Transcript {
  constructor(script) {
    this.script = script;
    this.log = at("log");
    this.scroll = at("scroll");
    this.drafts = { user: at("draft-user"), assistant: at("draft-assistant") };
    this.typed = []; // questions that the server may say again
    this.turn = null; // whose answer is being heard
  }

  /** Put what was said before in the place of what is there. */
  restore(history) {
    this.log.setAttribute("aria-live", "off"); // nobody wants it all read out again
    this.log.replaceChildren();
    for (const { role, text } of history) this._append(role, text);
    this.end();
    requestAnimationFrame(() => this.log.setAttribute("aria-live", "polite"));
  }

  /** A line between conversations. */
  divide(text) {
    if (this.log.children.length) this.log.append(element("p", { class: "divider", text }));
    this.end();
  }

  /** Nothing is being said any more. */
  end() {
    this.turn = null;
    this.typed = [];
    this._draft("user", "");
    this._draft("assistant", "");
    this._follow();
  }

  type(text) {
    this.typed.push(text);
    this._append("user", text);
  }

  heard({ text, final }) {
    if (!final) {
      this._draft("user", text);
      return;
    }
    this._draft("user", "");
    const said = this.typed.indexOf(text);
    if (said >= 0) this.typed.splice(said, 1);
    else if (text) this._append("user", text);
  }

  /** What was being said was no question: a cough, a word of agreement. */
  unheard() {
    this._draft("user", "");
  }

  spoken({ turn }) {
    this.turn = turn;
  }

  /** Show as much of the answer as was heard. */
  update(position) {
    if (this.turn !== null) this._draft("assistant", this.script.heard(this.turn, position));
  }

  answered({ turn, text, interrupted, video }) {
    if (this.turn === turn || this.turn === null) {
      this.turn = null;
      this._draft("assistant", "");
    }
    if (!text && !video) return;
    const message = this._append("assistant", text || "…", interrupted);
    if (this.log.offsetParent === null) announce(text); // the panel is closed, and what is not shown is not read out
    if (!video) return;
    this.log.querySelectorAll(".save").forEach((link) => link.remove()); // the last answer only
    const link = element("a", { class: "save", href: video, download: `answer-${turn}.mp4` }, icon("save"));
    link.append("Save as MP4");
    message.append(link);
    this._follow();
  }

  _append(role, text, interrupted = false) {
    const who = element("span", { class: "who", text: role === "user" ? "You" : "Avatar" });
    const message = element("div", { class: `message ${role}` }, who, element("p", { text }));
    if (interrupted) message.append(element("small", { class: "cut", text: "interrupted" }));
    this.log.append(message);
    if (this.log.children.length > KEPT) this.log.firstElementChild.remove();
    this.scroll.classList.remove("empty");
    this._follow(role === "user");
    return message;
  }

  _draft(role, text) {
    const box = this.drafts[role];
    const words = box.querySelector("p");
    if (words.textContent === text) return;
    words.textContent = text;
    if (text) this.scroll.classList.remove("empty");
    box.hidden = !text;
    this._follow();
  }

  /** Stay at the end, unless somebody reads further up. */
  _follow(always = false) {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    if (always || scrollHeight - scrollTop - clientHeight < 160) this.scroll.scrollTop = scrollHeight;
  }
}
