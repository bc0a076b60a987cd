// The control channel: one WebSocket that comes back by itself, with what is needed to go on.

import { VERSION } from "./wire.js";

const BACK_OFF = [300, 700, 1500, 3000, 5000, 8000]; // ms
const PING_EVERY = 2000; // ms
const SILENT = 9000; // ms without a word: the line is dead although nobody said so
const KEY = "visavis.resume";
const MOST_WAITING = 1 << 19; // bytes of sound that may wait to be sent, some 5 s

export class Connection {
  constructor(hello) {
    this.hello = hello; // () => fields of the `hello`; null is left out
    this.on = null; // has event(object), media(buffer), lost({attempt, isRefused})
    this.rtt = null; // s
    this.attempt = 0;
    this.stopped = false;
    // Taken out and put back when the page goes, so that a copied tab does not take the session away from this one.
    this.resume = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    addEventListener("pagehide", () => this.resume && sessionStorage.setItem(KEY, this.resume));
    addEventListener("pageshow", () => sessionStorage.removeItem(KEY));
    addEventListener("online", () => this._now());
    document.addEventListener("visibilitychange", () => document.hidden || this._now());
    setInterval(() => this._ping(), PING_EVERY);
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    this.stopped = false;
    const socket = new WebSocket(new URL("/ws", location.href).href.replace(/^http/, "ws"));
    this.socket = socket;
    this.heardAt = performance.now();
    this.answers = false; // pings; who waits for a place may not be answered
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      const fields = { resume: this.resume, ...this.hello() };
      const given = Object.entries(fields).filter(([, value]) => value !== null);
      this.send({ type: "hello", version: VERSION, ...Object.fromEntries(given) });
    };
    socket.onmessage = ({ data }) => {
      this.heardAt = performance.now();
      if (typeof data !== "string") this.on.media(data);
      else this._event(JSON.parse(data));
    };
    socket.onclose = () => socket === this.socket && this._lost();
  }

  /** Send an event; false if there is nobody to take it. */
  send(event) {
    if (!this.isOpen) return false;
    this.socket.send(JSON.stringify(event));
    return true;
  }

  /** Send sound; on a line that is too slow for it, it is dropped: old speech helps nobody. */
  sendSound(buffer) {
    if (this.isOpen && this.socket.bufferedAmount < MOST_WAITING) this.socket.send(buffer);
  }

  /** Do not come back until `open` is called. */
  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  _event(event) {
    if (event.type === "welcome") {
      this.attempt = 0;
      this.resume = event.resume;
    }
    if (event.type === "pong") {
      this.answers = true;
      this.rtt = (performance.now() - event.sent) / 1000;
    } else this.on.event(event);
  }

  _ping() {
    if (!this.isOpen) return;
    if (this.answers && performance.now() - this.heardAt > SILENT) {
      const dead = this.socket;
      this._lost();
      dead.close();
    } else this.send({ type: "ping", sent: performance.now() });
  }

  async _lost() {
    this.socket = null;
    this.rtt = null;
    if (this.stopped) return;
    const wait = BACK_OFF[Math.min(this.attempt, BACK_OFF.length - 1)] * (0.8 + 0.4 * Math.random());
    this.attempt += 1;
    this.timer = setTimeout(() => this.open(), wait);
    this.on.lost({ attempt: this.attempt, isRefused: false });
    // A server that answers, but not to the socket, refuses this page: another word than "gone" is needed.
    if (this.attempt < 3 || !(await answers()) || this.isOpen) return;
    this.on.lost({ attempt: this.attempt, isRefused: true });
  }

  /** Somebody is here again: do not let them wait. */
  _now() {
    if (this.timer && !this.stopped) this.open();
  }
}

async function answers() {
  try {
    const response = await fetch("/health", { cache: "no-store" });
    return response.status < 500;
  } catch {
    return false;
  }
}
