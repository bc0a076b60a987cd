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
      // words to come hold their places already, so that nothing jumps
      this.box.replaceChildren(...(page?.tokens ?? []).flatMap((text) => [element("span", { text }), " "]));
    }
    if (!page) return;
    while (this.count < page.count) {
      this.box.children[this.count]?.classList.add("heard");
      this.count += 1;
    }
  }
}
