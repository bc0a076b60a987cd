// Which way the media come: the socket at once, WebRTC when it is chosen or better, and back if it fails.

import { Peer } from "./peer.js";

const PATIENCE = { automatic: 3000, webrtc: 10000 }; // ms for the first picture by WebRTC: who chose it can wait
const OWN = ["localhost", "127.0.0.1", "[::1]"];

export class Transport {
  /** `on` has send(event), picture(video, width, height), position(), taken(peer), returned(), note(text). */
  constructor(on) {
    this.on = on;
    this.choice = "automatic"; // or webrtc, websocket
    this.active = "websocket";
    this.possible = false; // the server can, and so can this browser
    this.peer = null; // that is tried or in use
    this.microphone = null; // its track
    this.past = { shown: 0, dropped: 0 }; // pictures of peers that are gone
  }

  get supported() {
    return "RTCPeerConnection" in window;
  }

  /** A connection began: media come by the socket. */
  begin(webrtc) {
    this.end();
    this.possible = webrtc && this.supported;
    this._follow();
  }

  /** The connection was lost: a peer of the old one is of no use. */
  end() {
    clearTimeout(this.timer);
    if (this.active === "webrtc") {
      this.past.shown += this.peer.shown;
      this.past.dropped += this.peer.dropped;
    }
    this.peer?.close();
    this.peer = null;
    this.active = "websocket";
  }

  choose(choice) {
    this.choice = choice;
    this._follow(true);
  }

  setMicrophone(track) {
    this.microphone = track;
    if (this.active === "webrtc") this.peer.speak(track);
  }

  async answer(sdp) {
    try {
      await this.peer?.accept(sdp);
    } catch {
      this._fail();
    }
  }

  /** Nothing beyond this media time was sent yet. */
  bound(limit) {
    if (this.active === "webrtc") this.peer.bound(limit);
  }

  /** Stop what is heard (`quiet`) or let it be heard again. */
  setQuiet(quiet) {
    if (this.active === "webrtc") this.peer.audio.muted = quiet;
  }

  _follow(byHand = false) {
    // On this machine itself the socket has less delay and an exact skew; over a network WebRTC bears loss better.
    const automatic = !OWN.includes(location.hostname);
    const wanted = this.choice === "webrtc" || (this.choice === "automatic" && automatic);
    if (wanted && this.possible && !this.peer) this._try();
    if (wanted && !this.possible && this.choice === "webrtc" && byHand) {
      this.on.note("WebRTC is not available here: sound and pictures come through the WebSocket.");
    }
    if (!wanted && this.peer) this._return();
  }

  async _try() {
    const peer = new Peer({
      // the server sends one way at a time: pictures come when they are asked for
      connected: () => peer === this.peer && this.on.send({ type: "configure", transport: "webrtc" }),
      picture: (...picture) => peer === this.peer && this._picture(...picture),
      failed: () => peer === this.peer && this._fail(),
    });
    this.peer = peer;
    const late = () => peer === this.peer && this.active !== "webrtc" && this._fail();
    this.timer = setTimeout(late, PATIENCE[this.choice]);
    try {
      const sdp = await peer.offer();
      if (peer !== this.peer) return;
      if (sdp.includes("a=candidate:")) this.on.send({ type: "offer", sdp });
      else this._fail(); // the browser is not allowed to, or has no network
    } catch {
      if (peer === this.peer) this._fail();
    }
  }

  _picture(video, width, height) {
    if (!width) return;
    if (this.active !== "webrtc") {
      clearTimeout(this.timer);
      this.active = "webrtc";
      this.peer.take(this.on.position());
      this.peer.speak(this.microphone); // and not by both ways
      this.on.taken(this.peer);
    }
    this.on.picture(video, width, height);
  }

  _fail() {
    const used = this.active === "webrtc";
    this._return();
    if (used || this.choice === "webrtc") {
      this.on.note("WebRTC did not connect: sound and pictures come through the WebSocket instead.");
    }
  }

  _return() {
    const asked = this.peer?.connection.connectionState === "connected" || this.active === "webrtc";
    this.end();
    if (!asked) return;
    this.on.send({ type: "configure", transport: "websocket" });
    this.on.returned();
  }
}
