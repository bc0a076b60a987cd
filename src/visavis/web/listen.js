// What a voice sounds like, before it is chosen: a sentence of it. While it is played, nobody else speaks or listens.

import { at } from "./dom.js";
import { notice } from "./notices.js";

const FAILED = "This voice cannot be heard just now. Try again in a moment.";

export class Listen {
  /** `on` has volume(), begin(), and end(). */
  constructor(on) {
    this.on = on;
    this.playing = null; // {audio, aborted} from the click to the end
    at("listen").onclick = () => (this.playing ? this.stop() : this.play(at("voice").value));
    at("voice").addEventListener("change", () => this.stop());
  }

  async play(voice) {
    const playing = { audio: new Audio(), aborted: new AbortController() };
    this.playing = playing;
    this._show();
    this.on.begin();
    try {
      const { signal } = playing.aborted;
      const response = await fetch(`/voices/${encodeURIComponent(voice)}/sample.wav`, { signal });
      if (!response.ok) throw new Error(response.status === 404 ? "This voice is not there any more." : FAILED);
      playing.audio.src = URL.createObjectURL(await response.blob());
      playing.audio.volume = this.on.volume();
      playing.audio.onended = () => this._end(playing);
      await playing.audio.play();
    } catch (error) {
      if (this.playing !== playing) return; // it was stopped
      notice("listen", error instanceof TypeError ? FAILED : error.message, { kind: "error", passing: true });
      this._end(playing);
    }
  }

  stop() {
    if (!this.playing) return;
    this.playing.aborted.abort();
    this.playing.audio.pause();
    this._end(this.playing);
  }

  _end(playing) {
    if (this.playing !== playing) return;
    URL.revokeObjectURL(playing.audio.src);
    this.playing = null;
    this._show();
    this.on.end();
  }

  _show() {
    at("listen").textContent = this.playing ? "Stop" : "Listen";
    at("listen").setAttribute("aria-label", this.playing ? "Stop the voice" : "Listen to the voice");
  }
}
