// Records the whole conversation in the browser: the face, its voice and the microphone in one file.

import { element } from "./dom.js";

const TYPES = [
  "video/webm;codecs=vp8,opus",
  "video/webm;codecs=vp9,opus",
  "video/webm",
  "video/mp4;codecs=avc1.42E01E,mp4a.40.2",
  "video/mp4",
];
const FPS = 25;
const BITS = 2_000_000; // a second, of the picture

export class Recorder {
  constructor(face) {
    this.face = face;
    this.recorder = null;
    this.joined = []; // audio nodes that lead into the recording
  }

  get supported() {
    return "MediaRecorder" in window && "captureStream" in this.face.canvas && this.type !== undefined;
  }

  get type() {
    return TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  }

  get isRecording() {
    return this.recorder !== null;
  }

  /** Begin. `context` mixes; `output` is the node that is heard. */
  start(context, output) {
    this.context = context;
    this.mix = context.createMediaStreamDestination();
    this._join(output);
    const tracks = [...this.face.record().captureStream(FPS).getVideoTracks(), ...this.mix.stream.getAudioTracks()];
    this.recorder = new MediaRecorder(new MediaStream(tracks), { mimeType: this.type, videoBitsPerSecond: BITS });
    this.pieces = [];
    this.recorder.ondataavailable = ({ data }) => data.size && this.pieces.push(data);
    this.recorder.start(1000);
    this.began = performance.now();
  }

  /** Mix in a stream (the microphone, WebRTC's sound); false where the browser cannot join their rates. */
  add(stream) {
    if (!this.isRecording || !stream?.getAudioTracks().length) return true;
    try {
      this._join(this.context.createMediaStreamSource(stream));
      return true;
    } catch {
      return false;
    }
  }

  get seconds() {
    return this.isRecording ? (performance.now() - this.began) / 1000 : 0;
  }

  /** End, and hand the file to the user. */
  stop() {
    const { recorder } = this;
    this.recorder = null;
    this.face.release();
    return new Promise((resolve) => {
      recorder.onstop = () => {
        recorder.stream.getTracks().forEach((track) => track.stop());
        for (const node of this.joined.splice(0)) node.disconnect(this.mix);
        save(new Blob(this.pieces.splice(0), { type: recorder.mimeType }));
        resolve();
      };
      recorder.stop();
    });
  }

  _join(node) {
    node.connect(this.mix);
    this.joined.push(node);
  }
}

function save(file) {
  const url = URL.createObjectURL(file);
  const time = new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-");
  const kind = file.type.includes("mp4") ? "mp4" : "webm";
  const link = element("a", { href: url, download: `conversation-${time}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
