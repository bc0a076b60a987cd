// The arch, cut into an opaque canvas: what is outside of it shows the page that is behind. A canvas with transparent
// corners would be blended anew for each picture, which costs a browser without a GPU a fifth of a core.

const TOP = 0.46; // of the height: where the arch begins; as in stage.css
const ROUND = 26; // px on the page, of the lower corners

export class Arch {
  /** `frame` is the element that has the arch's shadow, `glow` the canvas of the page's light. */
  constructor(frame, glow) {
    this.frame = frame;
    this.glow = glow;
    this.paper = document.createElement("canvas").getContext("2d", { alpha: false }); // what is behind
  }

  /** Fit a canvas of so many pixels, `scale` of them to a px of the page. */
  resize(width, height, scale) {
    Object.assign(this.paper.canvas, { width, height });
    const path = new Path2D();
    path.moveTo(0, height * TOP);
    path.ellipse(width / 2, height * TOP, width / 2, height * TOP, 0, Math.PI, 2 * Math.PI);
    path.arcTo(width, height, width - ROUND * scale, height, ROUND * scale);
    path.arcTo(0, height, 0, height - ROUND * scale, ROUND * scale);
    path.closePath();
    this.inside = path;
    this.outside = new Path2D(path);
    this.outside.rect(-1, -1, width + 2, height + 2);
    this.paint();
  }

  /** Cut the arch out of the picture that was just drawn. */
  cut(context) {
    context.fillStyle = this.pattern;
    context.fill(this.outside, "evenodd");
  }

  /** The page's paper, its light and the arch's shadow, as they are now. */
  paint() {
    const context = this.paper;
    const { width, height } = context.canvas;
    const { backgroundColor } = getComputedStyle(document.body);
    context.save();
    context.fillStyle = backgroundColor;
    context.fillRect(0, 0, width, height);
    const box = this.frame.getBoundingClientRect();
    const lit = this.glow.getBoundingClientRect();
    const x = ((box.left - lit.left) / lit.width) * this.glow.width;
    const y = ((box.top - lit.top) / lit.height) * this.glow.height;
    const w = (box.width / lit.width) * this.glow.width;
    const h = (box.height / lit.height) * this.glow.height;
    context.globalAlpha = Number(getComputedStyle(this.glow).opacity);
    context.drawImage(this.glow, x, y, w, h, 0, 0, width, height);
    context.globalAlpha = 1;
    const scale = width / box.width;
    for (const { color, down, blur } of shadows(getComputedStyle(this.frame).boxShadow)) {
      Object.assign(context, { shadowColor: color, shadowOffsetY: down * scale, shadowBlur: blur * scale });
      context.fillStyle = backgroundColor;
      context.fill(this.inside);
    }
    context.restore();
    this.pattern = context.createPattern(context.canvas, "no-repeat");
  }
}

/** The shadows of a computed style: “rgba(0, 0, 0, 0.2) 0px 1px 2px 0px, …”. */
function shadows(style) {
  const each = style.matchAll(/(rgba?\([^)]*\)) \S+ (-?[\d.]+)px ([\d.]+)px/g);
  return [...each].map(([, color, down, blur]) => ({ color, down: Number(down), blur: Number(blur) }));
}
