// The page's clock: the media time that is heard now. Before sound may play, a silent clock keeps the same laws.

import { Ring } from "./ring.js";
import { RATE, older } from "./wire.js";
import { openSpeaker } from "./loudspeaker.js";

const REPORTS = 32; // kept, about 0.7 s: more than any output delay
const STUCK = 1000; // ms without a step: no device drives the audio clock

export class Player {
  constructor() {
    this.silent = new Ring(); // plays to nobody until there is a loudspeaker
    this.ticked = performance.now();
    this.speaker = null; // {context, node, post, gain}
    this.joined = false;
    this.reports = [];
    this.run = 0; // reports of earlier ones are void
    this.epoch = 0;
    this.latest = 0; // heard never goes back
    this.before = 0; // stalls counted by the clock that is not in use
    this.volume = 1;
    this.offset = 0; // s, the audio clock minus the page's
    this.step = { value: 0, at: 0 };
    this.paused = false;
  }

  /** The media go on from `position` (null: from the first sample that comes), in `epoch`. */
  begin(position, epoch) {
    this.epoch = epoch;
    this.latest = position ?? 0;
    this.paused = false;
    this.reports = [];
    this.silent.reset(position);
    this.ticked = performance.now();
    if (this.joined) this.speaker.post({ begin: position, run: ++this.run });
  }

  /** Sound and its clock come another way (WebRTC) until the next `begin`. */
  pause() {
    this.paused = true;
    this.silent.flush();
    this.speaker?.post({ flush: true });
  }

  push(start, samples, epoch) {
    if (this.paused || older(epoch, this.epoch)) return;
    if (this.joined) {
      this.speaker.post({ push: start, samples }, [samples.buffer]);
      return;
    }
    this._tick();
    this.silent.push(start, samples);
  }

  /** Silence from now on. Returns the media time that was heard last. */
  flush(epoch) {
    const heard = this.heard();
    this.epoch = epoch;
    if (this.joined) this.speaker.post({ flush: true });
    else this.silent.flush();
    return heard;
  }

  /** Media time (samples) that is heard now. */
  heard(now = performance.now()) {
    if (this.joined && this._isStuck(now)) this._leave();
    if (!this.joined) this._tick(now);
    const position = this.joined ? this._reported(now) : this.silent.position;
    if (position > this.latest) this.latest = position;
    return this.latest;
  }

  get stalled() {
    return this.before + (this.joined ? (this.reports.at(-1)?.stalled ?? 0) : this.silent.stalled);
  }

  /** Seconds of sound that wait to be played. */
  get buffered() {
    return (this.joined ? (this.reports.at(-1)?.buffered ?? 0) : this.silent.buffered) / RATE;
  }

  /** Seconds from the audio clock to the ear, as far as the browser knows. */
  get latency() {
    const { context } = this.speaker ?? {};
    return context ? context.outputLatency || context.baseLatency || 0 : 0;
  }

  get audible() {
    return this.joined;
  }

  get context() {
    return this.speaker?.context ?? null;
  }

  /** What is heard, for a recording. */
  get output() {
    return this.speaker?.gain ?? null;
  }

  setVolume(volume) {
    this.volume = volume;
    if (this.speaker) this.speaker.gain.gain.setTargetAtTime(volume, this.speaker.context.currentTime, 0.02);
  }

  /** Ask for a loudspeaker; browsers grant it in a gesture only. Sound joins where the picture is. */
  async enable() {
    if (!this.speaker) {
      this.opening ??= openSpeaker((report) => this._report(report), this.volume);
      this.speaker = await this.opening;
      if (!this.speaker) return;
      this.speaker.context.onstatechange = () => {
        if (this.speaker.context.state !== "running" && this.joined) this._leave();
      };
    }
    if (this.speaker.context.state !== "running") await this.speaker.context.resume().catch(() => undefined);
  }

  _tick(now = performance.now()) {
    const count = Math.floor(((now - this.ticked) * RATE) / 1000);
    if (count <= 0) return;
    this.silent.read(null, count);
    this.ticked += (count * 1000) / RATE;
  }

  _report(report) {
    if (this.speaker?.context.state !== "running") return;
    if (!this.joined) {
      this._join();
      return;
    }
    if (report.run !== this.run) return;
    this.reports.push(report);
    if (this.reports.length > REPORTS) this.reports.shift();
  }

  /** The first block was played: hand over what is waiting. What is heard goes on without a step. */
  _join() {
    this._tick();
    const { context } = this.speaker;
    const position = this.silent.position + Math.round(this.latency * RATE);
    const rest = this.silent.rest(position);
    this.before += this.silent.stalled;
    this.silent.stalled = 0;
    this.joined = true;
    this.reports = [];
    this.offset = context.currentTime - performance.now() / 1000;
    this.step = { value: context.currentTime, at: performance.now() };
    const run = ++this.run;
    if (!this.silent.anchored) this.speaker.post({ begin: null, run });
    else this.speaker.post({ join: position, run, posted: context.currentTime, ...rest }, [rest.samples.buffer]);
  }

  /** The system took the loudspeaker away (a call, sleep, no device): the silent clock goes on. */
  _leave() {
    this.before += this.reports.at(-1)?.stalled ?? 0;
    this.joined = false;
    this.silent.reset(Math.round(this.latest));
    this.ticked = performance.now();
    this.reports = [];
    this.speaker.post({ begin: null, run: ++this.run });
  }

  _isStuck(now) {
    const { currentTime } = this.speaker.context;
    if (currentTime !== this.step.value) this.step = { value: currentTime, at: now };
    return now - this.step.at > STUCK;
  }

  /** Where the speaker was when the sample that is heard now left it: reports tell it, stalls included. */
  _reported(now) {
    const { reports } = this;
    if (!reports.length) return this.latest;
    const time = this._audioTime(now) - this.latency;
    let i = reports.length - 1;
    while (i > 0 && reports[i].time > time) i -= 1;
    const { position, playing, time: then } = reports[i];
    const passed = playing ? Math.max(0, time - then) * RATE : 0;
    const bound = i + 1 < reports.length ? reports[i + 1].position : position + reports[i].ahead;
    return Math.min(position + passed, Math.max(bound, position));
  }

  /** The audio clock goes in blocks; the page's is fine: the one, smoothed by the other. */
  _audioTime(now) {
    const offset = this.speaker.context.currentTime - now / 1000;
    if (Math.abs(offset - this.offset) > 0.1) this.offset = offset;
    else this.offset += (offset - this.offset) * 0.05;
    return now / 1000 + this.offset;
  }
}
