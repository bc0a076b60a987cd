// What the page measures of itself: for the server, for the overlay, and for tests (window.visavis).

import { RATE } from "./wire.js";

const LOOK = 1000; // ms between looks into WebRTC's statistics

export class Measures {
  constructor({ player, pictures, transport }) {
    Object.assign(this, { player, pictures, transport });
    this.stalledBefore = 0;
    setInterval(() => transport.active === "webrtc" && transport.peer.measure(), LOOK);
  }

  /** A connection began: counts are its own. */
  begin() {
    this.stalledBefore = this.player.stalled;
    this.pictures.shown = this.pictures.dropped = 0;
    this.transport.past = { shown: 0, dropped: 0 };
  }

  get peer() {
    return this.transport.active === "webrtc" ? this.transport.peer : null;
  }

  /** Media time (samples) that is heard now. */
  get position() {
    return Math.max(0, this.peer ? this.peer.position() : this.player.heard());
  }

  /** Media time (samples) at which the picture on the screen begins; null: not known. */
  get picture() {
    return this.peer ? this.peer.picture : this.pictures.current;
  }

  get shown() {
    return this.pictures.shown + this.transport.past.shown + (this.peer?.shown ?? 0);
  }

  get dropped() {
    return this.pictures.dropped + this.transport.past.dropped + (this.peer?.dropped ?? 0);
  }

  get stalled() {
    return this.player.stalled - this.stalledBefore;
  }

  /** Seconds by which sound is later than its picture; null: not known. */
  get skew() {
    return this.peer ? this.peer.skew : this.pictures.skew;
  }

  /** {name: text} for the overlay. */
  table({ face, connection, session }) {
    const ms = (seconds) => (seconds === null ? "–" : `${Math.round(seconds * 1000)} ms`);
    return {
      pictures: `${face.fps.toFixed(1)} fps, ${face.size.join(" × ")}`,
      shown: String(this.shown),
      dropped: String(this.dropped),
      "sound ran out": String(this.stalled),
      "sound later than picture": ms(this.skew),
      "sound waiting": this.peer ? "–" : ms(this.player.buffered),
      "output delay": this.player.audible ? ms(this.player.latency) : "no sound yet",
      transport: this.transport.active,
      "round trip": ms(connection.rtt),
      "media time": `${(this.position / RATE).toFixed(1)} s, epoch ${this.player.epoch}`,
      session: session ?? "–",
    };
  }
}

/** window.visavis, read only: what tests and benchmarks look at. */
export function expose(measures, { turns, face, connection, state }) {
  const look = {
    state,
    position: () => () => measures.position,
    skew: () => measures.skew,
    shown: () => measures.shown,
    dropped: () => measures.dropped,
    stalled: () => measures.stalled,
    epoch: () => measures.player.epoch,
    transport: () => measures.transport.active,
    audible: () => measures.peer?.audible ?? measures.player.audible,
    picture: () => measures.picture,
    cut: () => measures.pictures.cut,
    fps: () => face.fps,
    rtt: () => connection.rtt,
    turns: () => turns.all.map((turn) => ({ ...turn })),
  };
  const getters = Object.entries(look).map(([name, get]) => [name, { get, enumerable: true }]);
  Object.defineProperty(window, "visavis", { value: Object.freeze(Object.create(null, Object.fromEntries(getters))) });
}
