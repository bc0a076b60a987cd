// The overlay for those who want to know: timings of the turns, and how picture and sound do.

import { at, element } from "./dom.js";
import { STAGES } from "./turns.js";

const NAMES = {
  endpoint: "end of question seen",
  transcript: "transcript",
  word: "first word",
  audio: "first sound",
  sent: "first picture sent",
  shown: "first picture shown",
  waited: "waited, microphone to screen",
};
const EVERY = 500; // ms

export class Overlay {
  /** `look()` gives {name: text} of what is measured now. */
  constructor(turns, look) {
    this.turns = turns;
    this.look = look;
    this.box = at("overlay");
    at("overlay-close").onclick = () => this.toggle();
  }

  toggle() {
    this.box.hidden = !this.box.hidden;
    at("details").setAttribute("aria-pressed", String(!this.box.hidden));
    clearInterval(this.timer);
    if (this.box.hidden) return;
    this.timer = setInterval(() => this._draw(), EVERY);
    this._draw();
  }

  get visible() {
    return !this.box.hidden;
  }

  _draw() {
    const rows = [...STAGES, "waited"].map((stage) => {
      const { last, p50, p95 } = this.turns.summary(stage);
      const cells = [last, p50, p95].map((value) => element("td", { text: value === null ? "–" : value.toFixed(2) }));
      return element("tr", {}, element("th", { scope: "row", text: NAMES[stage] }), ...cells);
    });
    at("timings").replaceChildren(...rows);
    const values = Object.entries(this.look()).flatMap(([name, text]) => [
      element("dt", { text: name }),
      element("dd", { text }),
    ]);
    at("measures").replaceChildren(...values);
  }
}
