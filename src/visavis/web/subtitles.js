// Subtitles: each word appears, in its place, when it is heard.

import { RATE } from "./wire.js";
import { element } from "./dom.js";

const LINGER = 1.4 * RATE; // samples after the last word

export class Subtitles {
  constructor(box, script) {
    this.box = box;
    this.script = script;
    this.visible = true;
    this.key = null;
    this.count = 0;
    this.lines = null; // of the words on show
  }

  setVisible(visible) {
    this.visible = visible;
    this.box.hidden = !visible;
  }

  /** Show what is heard at a media time. Call it once a screen refresh. */
  update(heard) {
    const page = this.visible ? this.script.page(heard, LINGER) : null;
    const key = page && `${page.key}:${page.tokens.length}`;
    if (key !== this.key) {
      this.key = key;
      this.count = 0;
      this.box.replaceChildren();
      if (page) this._lay(page.tokens);
    }
    if (!page) return;
    while (this.count < page.count) {
      this.lines.children[this.count]?.classList.add("heard");
      this.count += 1;
    }
  }

  /** Words to come hold their places already, so that nothing jumps. Lines begin below one another, and in the middle
   *  of the face: the words are as wide as their longest line. */
  _lay(words) {
    this.lines = element("div", { class: "lines" });
    this.lines.append(...words.flatMap((text) => [element("span", { text }), " "]));
    this.box.append(this.lines);
    const boxes = [...this.lines.children].flatMap((word) => [...word.getClientRects()]);
    const left = Math.min(...boxes.map((each) => each.left));
    const right = Math.max(...boxes.map((each) => each.right));
    this.lines.style.width = `${Math.ceil(right - left) + 1}px`;
  }
}
