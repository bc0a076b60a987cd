// The microphone: sound at its own rate in pieces of 20 ms, its level, and when each sample was captured.

const REFUSALS = {
  NotAllowedError:
    "The microphone is blocked for this page. Allow it in the address bar (the lock or microphone sign), then press " +
    "the button again. Typing works meanwhile.",
  NotFoundError: "No microphone was found. Plug one in and press the button again. Typing works meanwhile.",
  NotReadableError: "The microphone is in use by another program. Close that and try again. Typing works meanwhile.",
};

const SPANS = 3; // seconds that a capture clock looks back

/** Why there can be no microphone here, whoever asks; null if there can be one. */
export function obstacle() {
  if (navigator.mediaDevices?.getUserMedia) return null;
  if (!isSecureContext) {
    return (
      "Browsers give the microphone only to https pages and to this machine's own (localhost). Start the server with " +
      "“visavis serve --tls” and open its https address. Typing works meanwhile."
    );
  }
  return "This browser has no microphone access. Typing works.";
}

/** When sound was captured, told by when it came. Messages only ever come late, so the earliest one of the last seconds
 * tells the time; not of all, for sound that a busy machine loses moves everything after it. */
export class CaptureClock {
  constructor() {
    this.spans = []; // {from, origin}: the least origin in each second
  }

  /** At `now` (ms) sound came that ends `length` ms after sample 0. */
  came(now, length) {
    const origin = now - length;
    const last = this.spans.at(-1);
    if (last && now < last.from + 1000) last.origin = Math.min(last.origin, origin);
    else this.spans.push({ from: now, origin });
    if (this.spans.length > SPANS) this.spans.shift();
  }

  /** When sample 0 was captured, or would have been had nothing been lost since: ms, or null. */
  get origin() {
    return this.spans.length ? Math.min(...this.spans.map(({ origin }) => origin)) : null;
  }
}

export class Microphone {
  /** `onSound(samples, start)`: float32, start in samples since `restart`; `onEnded()`: the device went away. */
  constructor(onSound, onEnded) {
    this.onSound = onSound;
    this.onEnded = onEnded;
    this.stream = null;
    this.open = false; // not muted
    this.level = 0; // 0 … 1, for the eye
    this.taken = 0; // samples since `restart`
    this.clock = new CaptureClock();
  }

  /** Ask for the device; raises an Error that says what to do. */
  async start() {
    if (this.stream) return;
    const reason = obstacle();
    if (reason) throw new Error(reason);
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: { ideal: 1 } },
      });
    } catch (error) {
      throw new Error(REFUSALS[error.name] ?? `The microphone did not start (${error.name}). Typing works meanwhile.`);
    }
    try {
      await this._capture();
    } catch (error) {
      this.stop();
      throw new Error(`The microphone's sound could not be read (${error.name}). Typing works meanwhile.`);
    }
  }

  get track() {
    return this.stream?.getAudioTracks()[0] ?? null;
  }

  get rate() {
    return this.context.sampleRate;
  }

  /** Open or mute. Counting begins anew when it opens. */
  setOpen(open) {
    if (open && !this.open) this.restart();
    this.open = open;
    if (this.track) this.track.enabled = open;
    if (!open) this.level = 0;
  }

  /** The server was told `microphone`: sample 0 is the next one. */
  restart() {
    this.taken = 0;
    this.clock = new CaptureClock();
  }

  /** When a sample (since `restart`) was captured: ms on the page's clock, or null. */
  capturedAt(sample) {
    return this.clock.origin === null ? null : this.clock.origin + (sample * 1000) / this.rate;
  }

  stop() {
    this.open = false;
    this.level = 0;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.context?.close();
    this.context = null;
  }

  async _capture() {
    // its own context at the device's rate: Firefox joins no others, and resampling twice helps nobody
    this.context = new (window.AudioContext ?? window.webkitAudioContext)();
    await this.context.resume();
    await this.context.audioWorklet.addModule("/static/microphone-worklet.js");
    const node = new AudioWorkletNode(this.context, "microphone", { numberOfInputs: 1, outputChannelCount: [1] });
    node.port.onmessage = ({ data }) => this._take(data);
    this.context.createMediaStreamSource(this.stream).connect(node);
    node.connect(this.context.destination); // silent; what leads nowhere is not run everywhere
    this.track.onended = () => {
      this.stop();
      this.onEnded();
    };
  }

  _take({ samples, level }) {
    if (!this.open) return;
    const start = this.taken;
    this.taken += samples.length;
    this.clock.came(performance.now(), (this.taken * 1000) / this.rate);
    this.level = Math.max(Math.min(1, Math.sqrt(level) * 2.4), this.level * 0.82);
    this.onSound(samples, start);
  }
}
