// Sound addressed by media time: what has not come yet is waited for, never skipped. Runs in the worklet and the page.

const FADE = 480; // samples, 10 ms: how a flush ends the sound
const CAPACITY = 48000 * 12; // samples; a server sends well under a second ahead
export const OVER = 5760; // samples, 120 ms: so far time goes on over the silence after a flush, whose samples are on their way
const ENOUGH = 2880; // samples, 60 ms: so much must be there before sound begins, or goes on after it ran out

export class Ring {
  constructor() {
    this.samples = new Float32Array(CAPACITY);
    this.stalled = 0; // times that the sound ran out
    this.reset(0);
  }

  /** Go on from a media time; null: from the start of whatever comes first. */
  reset(position) {
    this.anchored = position !== null;
    this.position = Math.round(position ?? 0); // the next sample to be played
    this.end = this.position; // behind the last one that is here
    this.floor = this.position; // nothing before it is taken
    this.cut = null; // where the last flush ended the sound, if it is played since then
    this.playing = false;
    this.quiet = true; // running out now is no fault
  }

  get buffered() {
    return this.end - this.position;
  }

  /** How far time may go on if nothing comes. */
  get ahead() {
    return this.buffered + this._free();
  }

  /** Samples of silence that need not be here to be played. */
  _free() {
    return this.cut === null ? 0 : Math.max(0, this.cut + OVER - this.end);
  }

  /** Samples that begin at media time `start`. Those that are over are left out; what lies between is silence. */
  push(start, samples) {
    start = Math.round(start);
    if (!this.anchored) this.reset(start);
    const end = start + samples.length;
    if (this.cut !== null && start < this.position && samples.some(Boolean)) this._back(Math.max(start, this.cut));
    if (end <= this.floor) return;
    if (end - this.position > CAPACITY) this._leap(Math.max(start, end - CAPACITY / 2));
    for (let i = Math.max(this.end, this.floor); i < start; i += 1) this.samples[i % CAPACITY] = 0;
    for (let i = Math.max(start, this.floor); i < end; i += 1) this.samples[i % CAPACITY] = samples[i - start];
    this.end = Math.max(this.end, end);
    this.quiet = false;
  }

  /** It was no silence that time went on over: a voice is heard from its beginning. */
  _back(position) {
    if (position < this.position) this.reset(position);
  }

  /** The machine slept: what would not fit is over. */
  _leap(position) {
    this.position = this.floor = this.end = position;
  }

  /** Fade out and drop all that was not played; what follows begins anywhere. */
  flush() {
    const fade = Math.min(FADE, this.playing ? this.buffered : 0);
    for (let i = 0; i < fade; i += 1) this.samples[(this.position + i) % CAPACITY] *= 1 - i / fade;
    this.end = this.floor = this.position + fade;
    this.cut = this.playing ? this.end : null;
    this.quiet = true;
  }

  /** Play `count` samples into `output` (null: nobody hears them). Where there are none, there is silence. */
  read(output, count) {
    if (!this.playing && this.buffered >= ENOUGH) this.playing = true;
    const taken = this.playing ? Math.min(count, this.buffered) : 0;
    if (output) {
      for (let i = 0; i < taken; i += 1) output[i] = this.samples[(this.position + i) % CAPACITY];
      output.fill(0, taken);
    }
    const over = this.playing ? Math.min(count - taken, this._free()) : 0;
    this.position += taken + over;
    this.end = Math.max(this.end, this.position);
    this.floor = Math.max(this.floor, this.position);
    if (this.playing && taken + over < count) {
      this.playing = false;
      if (!this.quiet) this.stalled += 1;
    }
  }

  /** What is still to be played from a media time on. */
  rest(position) {
    const from = Math.min(Math.max(position, this.position), this.end);
    const samples = new Float32Array(this.end - from);
    for (let i = 0; i < samples.length; i += 1) samples[i] = this.samples[(from + i) % CAPACITY];
    return { start: from, samples };
  }
}
