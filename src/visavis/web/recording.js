// The record button: the conversation as a file of the user's own. Nothing of it leaves the browser.

import { announce, at } from "./dom.js";
import { notice } from "./notices.js";
import { Recorder } from "./recorder.js";

export class Recording {
  constructor(face, player) {
    this.player = player;
    this.recorder = new Recorder(face);
    this.streams = new Map(); // who → sound that is mixed in beside the player's
    this.button = at("recording");
    this.button.hidden = !this.recorder.supported;
    this.button.onclick = () => (this.recorder.isRecording ? this._stop() : this._start());
  }

  /** Sound that belongs into a recording: `who` is "microphone" or "peer"; null: no more. */
  add(who, stream) {
    if (!stream) {
      this.streams.delete(who);
      return;
    }
    this.streams.set(who, stream);
    this._mix(who, stream);
  }

  async _start() {
    await this.player.enable();
    if (!this.player.output) {
      notice("recording", "This browser plays no sound here, so there is nothing to record.", { passing: true });
      return;
    }
    try {
      this.recorder.start(this.player.context, this.player.output);
    } catch (error) {
      this.recorder.recorder = null;
      notice("recording", `The recording did not start (${error.name}).`, { kind: "error", passing: true });
      return;
    }
    for (const [who, stream] of this.streams) this._mix(who, stream);
    this.timer = setInterval(() => this._show(), 500);
    announce("Recording");
    this._show();
  }

  async _stop() {
    clearInterval(this.timer);
    await this.recorder.stop();
    announce("The recording was saved");
    this._show();
  }

  _mix(who, stream) {
    if (this.recorder.add(stream)) return;
    notice("recording", `This browser cannot mix the ${who}'s sound into the recording.`, { passing: true });
  }

  _show() {
    const { isRecording, seconds } = this.recorder;
    this.button.setAttribute("aria-pressed", String(isRecording));
    this.button.setAttribute("aria-label", isRecording ? "Stop recording and save it" : "Record the conversation");
    const clock = `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
    at("recording-words").textContent = isRecording ? clock : "Record";
  }
}
