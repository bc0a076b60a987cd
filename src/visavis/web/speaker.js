// The loudspeaker's side of the player: takes messages, fills blocks of sound, reports its media time.

import { Ring } from "./ring.js";

const EVERY = 1024; // samples between reports, 21 ms

export class Speaker {
  /** `report` gets {run, position, time, playing, stalled, buffered, ahead}: media time `position` left at `time`. */
  constructor(report) {
    this.ring = new Ring();
    this.report = report;
    this.unreported = EVERY;
    this.run = 0; // which `begin` or `join` a report belongs to
  }

  /** {begin: position, run} · {join: position, run, posted, start, samples} · {push: start, samples} · {flush} */
  take(message, now) {
    this.run = message.run ?? this.run;
    if ("begin" in message) this.ring.reset(message.begin);
    if ("join" in message) this._join(message, now);
    if ("push" in message) this.ring.push(message.push, message.samples);
    if ("flush" in message) this.ring.flush();
    this.unreported = EVERY;
  }

  /** Go on where the silent clock is, `posted` seconds on this clock ago. */
  _join({ join, posted, start, samples }, now) {
    const passed = Math.round(Math.max(0, now - posted) * 48000);
    this.ring.reset(Math.min(join + passed, start + samples.length));
    this.ring.push(start, samples);
    this.ring.playing = true; // it was playing before, unheard
  }

  /** Fill a block that will be played at `time` (s). */
  render(output, time) {
    const { position, playing } = this.ring;
    this.ring.read(output, output.length);
    this.unreported += output.length;
    if (this.unreported < EVERY && playing === this.ring.playing) return;
    this.unreported = 0;
    const { stalled, buffered, ahead } = this.ring;
    this.report({ run: this.run, position, time, playing: this.ring.playing, stalled, buffered, ahead });
  }
}
