// WebRTC: one connection, the face and its sound from the server, the microphone to it. No third party is asked.

import { RATE } from "./wire.js";

const GATHER = 2000; // ms
const VIDEO_RATE = 90000; // Hz, of the RTP time of pictures
const CLOCKS = 32; // that may wait for their pictures
const WAY = 4800; // samples, 100 ms: about what it takes from the server to the ear

export class Peer {
  /** `on` has connected(), picture(video, width, height) for each new one, and failed(). */
  constructor(on) {
    this.on = on;
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, autoplay: true });
    this.audio = Object.assign(document.createElement("audio"), { muted: true, autoplay: true });
    this.connection = new RTCPeerConnection({ iceServers: [] });
    this.shown = 0;
    this.dropped = 0;
    this.skew = null;
    this.anchor = null; // {media, at}: media time of what was shown, and when
    this.picture = null; // media time of the picture on the screen, once it is known
    this.clocks = []; // {rtp, position}: from that picture on both go on alike; the first is in force
    this.connection.ontrack = ({ track, streams }) => this._take(track, streams[0]);
    this.connection.onconnectionstatechange = () => {
      const { connectionState } = this.connection;
      if (connectionState === "connected") this.on.connected();
      if (["failed", "closed"].includes(connectionState)) this.on.failed();
    };
  }

  /** The offer's text, with all candidates. */
  async offer() {
    this.voice = this.connection.addTransceiver("audio", { direction: "sendrecv" });
    const face = this.connection.addTransceiver("video", { direction: "recvonly" });
    preferVp8(face);
    await this.connection.setLocalDescription(await this.connection.createOffer());
    await this._gathered();
    return this.connection.localDescription.sdp;
  }

  accept(sdp) {
    return this.connection.setRemoteDescription({ type: "answer", sdp });
  }

  /** What the server hears this way: a microphone's track, or null. */
  speak(track) {
    return this.voice?.sender.replaceTrack(track).catch(() => undefined);
  }

  /** Be heard and seen from now on; the picture on the screen belongs to media time `position`. */
  take(position) {
    this.anchor ??= { media: position, at: performance.now() };
    this.audio.muted = false;
    this.resume();
  }

  /** Sound is granted in a gesture only. */
  resume() {
    for (const element of [this.audio, this.video]) element.play().catch(() => undefined);
  }

  get audible() {
    return !this.audio.paused && !this.audio.muted;
  }

  /** What the server says of its clocks; it may come before that picture or after it. */
  clock({ rtp, position }) {
    this.clocks.push({ rtp, position });
    if (this.clocks.length > CLOCKS) this.clocks.shift();
  }

  /** Media time (samples) of what is seen now: by the pictures' RTP time, else by the wall clock. */
  position(now = performance.now()) {
    if (!this.anchor) return 0;
    return this.anchor.media + ((now - this.anchor.at) * RATE) / 1000;
  }

  /** Nothing beyond `limit` was sent yet. Where browsers keep RTP time to themselves, that is all there is to know. */
  bound(limit) {
    const beyond = this.position() - limit;
    if (this.anchor && this.picture === null && beyond > 0) this.anchor.media -= beyond + WAY;
  }

  /** Skew and losses, as the browser measures them. */
  async measure() {
    const times = {};
    for (const report of (await this.connection.getStats()).values()) {
      if (report.type !== "inbound-rtp") continue;
      if (report.kind === "video") this.dropped = report.framesDropped ?? this.dropped;
      times[report.kind] = report.estimatedPlayoutTimestamp;
    }
    if (times.audio && times.video) this.skew = (times.video - times.audio) / 1000;
  }

  close() {
    this.connection.ontrack = this.connection.onconnectionstatechange = null;
    this.connection.close();
    for (const element of [this.audio, this.video]) {
      element.pause();
      element.srcObject = null;
    }
  }

  _take(track, stream) {
    const element = track.kind === "video" ? this.video : this.audio;
    element.srcObject = stream && stream.getTracks().length === 1 ? stream : new MediaStream([track]);
    element.play().catch(() => undefined);
    if (track.kind === "video") this._watch();
  }

  _watch() {
    const { video } = this;
    if (video.requestVideoFrameCallback) {
      video.requestVideoFrameCallback((_now, { rtpTimestamp }) => {
        this._shown(rtpTimestamp);
        if (video.srcObject) this._watch();
      });
      return;
    }
    let last = -1;
    const look = () => {
      if (!video.srcObject) return;
      if (video.videoWidth && video.currentTime !== last) this._shown();
      last = video.currentTime;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }

  _shown(rtp) {
    this.shown += 1;
    const since = ({ rtp: from }) => (rtp - from) | 0; // 32 bits that may wrap
    while (this.clocks.length > 1 && since(this.clocks[1]) >= 0) this.clocks.shift();
    const [clock] = this.clocks;
    if (rtp !== undefined && clock && since(clock) >= 0) {
      this.picture = clock.position + since(clock) * (RATE / VIDEO_RATE);
      this.anchor = { media: this.picture, at: performance.now() };
    }
    this.on.picture(this.video, this.video.videoWidth, this.video.videoHeight);
  }

  _gathered() {
    const { connection } = this;
    return new Promise((resolve) => {
      const done = () => connection.iceGatheringState === "complete" && resolve();
      connection.addEventListener("icegatheringstatechange", done);
      setTimeout(resolve, GATHER);
      done();
    });
  }
}

/** VP8 first: decoded everywhere, and the cheapest for the server. Only the offering side's order counts. */
function preferVp8(transceiver) {
  const codecs = globalThis.RTCRtpReceiver?.getCapabilities?.("video")?.codecs;
  if (!codecs || !transceiver.setCodecPreferences) return;
  const isVp8 = ({ mimeType }) => mimeType.toLowerCase() === "video/vp8";
  transceiver.setCodecPreferences([...codecs.filter(isVp8), ...codecs.filter((codec) => !isVp8(codec))]);
}
