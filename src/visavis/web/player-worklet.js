// The player on the audio thread.

import { Speaker } from "./speaker.js";

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.speaker = new Speaker((report) => this.port.postMessage(report));
    this.port.onmessage = ({ data }) => this.speaker.take(data, currentTime);
  }

  process(_inputs, [[output]]) {
    this.speaker.render(output, currentTime);
    return true;
  }
}

registerProcessor("player", Player);
