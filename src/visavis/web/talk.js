// The user's side: the microphone opens, mutes, is held down; its sound goes to the server.

import { at, announce } from "./dom.js";
import { Microphone } from "./microphone.js";
import { dismiss, notice } from "./notices.js";
import { soundMessage } from "./wire.js";

export class Talk {
  /** `on` has send(event), sendSound(buffer), track(track), changed(), enable(): a gesture came. */
  constructor(on) {
    this.on = on;
    this.hears = true; // the server has a recogniser
    this.bySocket = true; // not by WebRTC
    this.pushToTalk = false;
    this.isDown = false;
    this.starting = false;
    this.isHeld = false; // muted by `hold`, not by somebody
    this.microphone = new Microphone(
      (samples, start) => this.bySocket && on.sendSound(soundMessage(samples, start)),
      () => this._gone(),
    );
  }

  get isOpen() {
    return this.microphone.open;
  }

  /** Whether the device was asked for and given. */
  get isStarted() {
    return this.microphone.stream !== null;
  }

  /** The button: start, then mute and open again. */
  async toggle() {
    if (this.starting) return;
    this.isHeld = false;
    if (this.isOpen) this._set(false);
    else if (await this._start()) this._set(true);
  }

  /** Push to talk. The first press asks for the device, and may take longer than the key is down. */
  async talk(down) {
    if (down === this.isDown) return;
    if (down && !this.pushToTalk) return;
    this.isDown = down;
    if (down && !this.isOpen) {
      if (!(await this._start())) this.isDown = false;
      else this._set(true);
      if (!this.isDown) return this._show();
    }
    if (this.isOpen) this.on.send({ type: "talk", down });
    return this._show();
  }

  /** Something else is played meanwhile, which is not for the server's ears. */
  hold(held) {
    if (held ? !this.isOpen : !this.isHeld) return;
    this.isHeld = held;
    this._set(!held);
  }

  /** A connection began: it knows nothing of the microphone yet. */
  begin(hears, language) {
    this.hears = hears;
    this.isDown = false;
    if (hears) dismiss("hears");
    else {
      notice("hears", `There is no speech recogniser for “${language}” here: type your questions.`);
      if (this.isOpen) this._set(false);
    }
    if (this.isOpen) this._tell(true);
    this._show();
  }

  async _start() {
    this.on.enable();
    if (!this.hears) return false;
    if (this.isStarted) return true;
    this.starting = true;
    this._show();
    try {
      await this.microphone.start();
      dismiss("microphone");
      this.on.track(this.microphone.track, this.microphone.stream);
      return true;
    } catch (error) {
      notice("microphone", error.message, { kind: "error" });
      return false;
    } finally {
      this.starting = false;
      this._show();
    }
  }

  _set(open) {
    this.microphone.setOpen(open);
    this._tell(open);
    announce(open ? "Microphone on" : "Microphone muted");
    this._show();
  }

  _tell(open) {
    if (open) this.microphone.restart();
    this.on.send({ type: "microphone", open, ...(open && { rate: Math.round(this.microphone.rate) }) });
  }

  _gone() {
    this.on.track(null, null);
    this.on.send({ type: "microphone", open: false });
    notice("microphone", "The microphone went away. Plug it in and press the button again. Typing works meanwhile.", {
      kind: "error",
    });
    this._show();
  }

  _show() {
    const { body } = document;
    const held = this.pushToTalk ? this.isDown : this.isOpen;
    body.dataset.mic = this.starting ? "starting" : held ? "open" : this.isStarted ? "muted" : "off";
    const button = at("microphone");
    button.disabled = !this.hears;
    button.setAttribute("aria-pressed", String(held));
    const words = this.isOpen ? "Mute the microphone" : "Start talking";
    button.setAttribute("aria-label", this.pushToTalk ? "Hold to talk" : words);
    this.on.changed();
  }

  setPushToTalk(pushToTalk) {
    if (pushToTalk === this.pushToTalk) return;
    this.pushToTalk = pushToTalk;
    this.isDown = false;
    this._show();
  }
}
