// The face on the canvas, in the shape of an arch, and its light on the page around it.

import { Arch } from "./arch.js";

const GLOW_EVERY = 4000; // ms; a room's light changes slowly
const LIGHTS = 6; // colours across
const NEAR = 1.4; // up to this scale, pictures are drawn in the screen's own pixels

export class Face {
  /** `around`: elements whose size moves the portrait. */
  constructor(canvas, glow, poster, portrait, around) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.glow = glow.getContext("2d");
    this.arch = new Arch(canvas.parentElement, glow);
    this.small = Object.assign(document.createElement("canvas"), { width: LIGHTS, height: LIGHTS }).getContext("2d");
    this.poster = poster;
    this.portrait = portrait;
    this.copy = null; // context of a canvas that gets the whole pictures, for a recording
    this.live = false;
    this.lit = 0; // ms, when the light changed last
    this.times = []; // ms, of the last pictures
    this.size = [0, 0]; // pixels of the last one
    this.box = [1, 1]; // px on the page
    this.poster.onerror = () => this.poster.classList.add("absent");
    this.poster.onload = () => {
      this.poster.classList.remove("absent");
      if (!this.live) this._light(this.poster);
    };
    new ResizeObserver(([{ contentRect }]) => {
      this.box = [contentRect.width || 1, contentRect.height || 1];
      this.part = null;
    }).observe(portrait);
    const moved = new ResizeObserver(() => (this.part = null)); // what is behind the arch is another part of the page
    for (const element of around) moved.observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (this.part = null));
  }

  /** The still picture that stands in until the first one comes. */
  waitWith(url) {
    if (!this.live && this.poster.getAttribute("src") !== url) this.poster.src = url;
  }

  /** Draw a picture (bitmap or video) of so many pixels. */
  show(source, width, height) {
    if (width !== this.size[0] || height !== this.size[1]) {
      this.size = [width, height];
      this.part = null;
      this.portrait.style.setProperty("--aspect", width / height);
    }
    if (!this.part) this._shape();
    if (performance.now() - this.lit > GLOW_EVERY) this._light(source);
    this.context.drawImage(source, ...this.part, 0, 0, this.canvas.width, this.canvas.height);
    this.arch.cut(this.context);
    this.copy?.drawImage(source, 0, 0, this.copy.canvas.width, this.copy.canvas.height);
    this._shown();
  }

  /** Another avatar comes: its light, too. */
  changed() {
    this.lit = 0;
  }

  /** A canvas that shows the whole pictures from now on; `release` ends it. */
  record() {
    const [width, height] = this.size;
    this.copy = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { alpha: false });
    if (this.live) this.copy.drawImage(this.canvas, 0, 0, width, height);
    return this.copy.canvas;
  }

  release() {
    this.copy = null;
  }

  /** Pictures a second, over two seconds. */
  get fps() {
    const now = performance.now();
    return this.times.filter((time) => now - time <= 2000).length / 2;
  }

  _shown() {
    const now = performance.now();
    if (!this.live) {
      this.live = true;
      this.portrait.classList.add("live");
    }
    this.times.push(now);
    while (now - this.times[0] > 2000) this.times.shift();
  }

  /** Find the part of a picture that fills the box, and cut the canvas to it. */
  _shape() {
    const [width, height] = this.size;
    const aspect = this.box[0] / this.box[1];
    const w = Math.round(Math.min(width, height * aspect));
    const h = Math.round(Math.min(height, width / aspect));
    this.part = [(width - w) / 2, (height - h) / 4, w, h]; // of what is too high, heads are above the middle
    // scaled here once, or by the browser for each refresh; a large screen has a GPU for that
    const shown = this.box[0] * devicePixelRatio;
    const scale = shown < w * NEAR ? shown / w : 1;
    Object.assign(this.canvas, { width: Math.round(w * scale), height: Math.round(h * scale) });
    this.arch.resize(this.canvas.width, this.canvas.height, this.canvas.width / this.box[0]);
  }

  /** A few colours, drawn large: scaling costs nothing, a blur of the whole page does. */
  _light(source) {
    this.lit = performance.now();
    this.small.drawImage(source, 0, 0, LIGHTS, LIGHTS);
    const { width, height } = this.glow.canvas;
    this.glow.imageSmoothingQuality = "high";
    this.glow.drawImage(this.small.canvas, 0, 0, width, height);
    if (this.part) this.arch.paint();
  }
}
