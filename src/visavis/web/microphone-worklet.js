// Collects the microphone's blocks into pieces of 20 ms, on the audio thread.

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(Math.round(sampleRate / 50));
    this.filled = 0;
  }

  process([[input]]) {
    for (let i = 0; input && i < input.length; i += 1) {
      this.piece[this.filled] = input[i];
      this.filled += 1;
      if (this.filled === this.piece.length) this.send();
    }
    return true;
  }

  send() {
    const samples = this.piece.slice();
    let power = 0;
    for (const sample of samples) power += sample * sample;
    this.port.postMessage({ samples, level: Math.sqrt(power / samples.length) }, [samples.buffer]);
    this.filled = 0;
  }
}

registerProcessor("microphone", Microphone);
