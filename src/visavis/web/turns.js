// Each turn's timings: what the server measured, and when the page showed the answer's first picture.

export const STAGES = ["endpoint", "transcript", "word", "audio", "sent", "shown"];
const KEPT = 500;

export class Turns {
  /** `capturedAt(sample)`: when the microphone's sample was captured, ms or null. */
  constructor(capturedAt) {
    this.capturedAt = capturedAt;
    this.all = []; // {turn, endpoint … shown, waited}, seconds
    this.awaited = null; // {turn, start}: the answer whose first picture was not shown yet
    this.latest = -1;
  }

  heard({ turn, final, ended }) {
    if (!final) return;
    const at = ended === null || ended === undefined ? null : this.capturedAt(ended);
    Object.assign(this._turn(turn), { ended: at });
  }

  spoken({ turn, start }) {
    if (turn <= this.latest) return;
    this.latest = turn;
    this.awaited = { turn, start };
  }

  /** A new connection counts its turns anew. */
  begin(resumed) {
    this.awaited = null;
    if (!resumed) this.latest = -1;
  }

  flush(position) {
    if (!this.awaited || this.awaited.start < position) return;
    this.latest = this.awaited.turn - 1; // its answer may still come
    this.awaited = null;
  }

  timings({ type, turn, ...stages }) {
    Object.assign(this._turn(turn), stages);
  }

  /** {turn, waited} once, when the picture that began at `start` is on the screen and its sound is heard. */
  shown(start, heard) {
    const { awaited } = this;
    if (!awaited || start < awaited.start || heard < start) return null;
    this.awaited = null;
    const { ended } = this._turn(awaited.turn);
    const waited = ended ? Math.max(0, performance.now() - ended) / 1000 : null;
    Object.assign(this._turn(awaited.turn), { waited });
    return { turn: awaited.turn, waited };
  }

  /** {last, p50, p95} of a stage, in seconds or null. */
  summary(stage) {
    const values = this.all.map((each) => each[stage]).filter((value) => typeof value === "number");
    const sorted = values.sort((a, b) => a - b);
    const rank = (p) => (sorted.length ? sorted[Math.ceil(p * sorted.length) - 1] : null);
    return { last: this.all.at(-1)?.[stage] ?? null, p50: rank(0.5), p95: rank(0.95) };
  }

  _turn(turn) {
    let found = this.all.findLast((each) => each.turn === turn);
    if (!found) {
      found = { turn };
      this.all.push(found);
      if (this.all.length > KEPT) this.all.shift();
    }
    return found;
  }
}
