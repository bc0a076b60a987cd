// What can be chosen beside the face: voice, mood, manner of talking, subtitles, transport, volume.

import { at, element, kept } from "./dom.js";

const EMOTIONS = ["neutral", "friendly", "happy", "sad", "surprised", "concerned"];
const STRENGTH = 0.7;

/** What a list offers, each with a word about it. */
function choices(offered) {
  return offered.map(({ name, about }) =>
    element("option", { value: name, text: about && about !== name ? `${name}: ${about}` : name }),
  );
}

export class Settings {
  /** `on` has configure(fields), subtitles(visible), transport(choice), volume(0 … 1). */
  constructor(on) {
    this.on = on;
    this.halfDuplex = kept.get("half-duplex", false);
    this.pushToTalk = kept.get("push-to-talk", false);
    this.transport = kept.get("transport", "automatic");
    this.volume = kept.get("volume", 1);
    this.subtitles = kept.get("subtitles", true);
    this._bindSwitches();
    this._bindChoices();
    this._bindVolume();
  }

  /** A session began: offer what it has, and say what was chosen before. */
  begin({ voices, voice, animators, animator, emotion }) {
    this.offer({ voices, voice });
    at("animator").replaceChildren(...choices(animators));
    at("animators").hidden = animators.length < 2;
    this.follow({ animator, emotion });
    const chosen = {};
    const drawn = kept.get("animator", null);
    if (drawn !== animator && animators.some(({ name }) => name === drawn)) chosen.animator = drawn;
    if (this.halfDuplex) chosen.half_duplex = true;
    if (this.pushToTalk) chosen.push_to_talk = true;
    if (Object.keys(chosen).length) this.on.configure(chosen);
  }

  /** These are the voices that there are now, and the one that speaks. */
  offer({ voices, voice }) {
    at("voice").replaceChildren(...choices(voices));
    this.follow({ voice });
  }

  /** Show what is in force on the server. */
  follow({ voice, animator, emotion, half_duplex: halfDuplex, push_to_talk: pushToTalk }) {
    if (voice !== undefined) {
      const known = [...at("voice").options].some((option) => option.value === voice);
      if (!known) at("voice").append(element("option", { value: voice, text: voice }));
      at("voice").value = voice;
    }
    if (animator !== undefined) at("animator").value = animator;
    if (emotion !== undefined) {
      const name = emotion.split(":")[0];
      for (const input of at("emotions").querySelectorAll("input")) input.checked = input.value === name;
    }
    if (halfDuplex !== undefined) this._set("half-duplex", "halfDuplex", halfDuplex);
    if (pushToTalk !== undefined) this._set("push-to-talk", "pushToTalk", pushToTalk);
  }

  _set(id, field, value) {
    this[field] = value;
    at(id).checked = value;
  }

  _bindSwitches() {
    this._switch("half-duplex", "halfDuplex", (value) => this.on.configure({ half_duplex: value }));
    this._switch("push-to-talk", "pushToTalk", (value) => this.on.configure({ push_to_talk: value }));
    this._switch("subtitles-on", "subtitles", (value) => this.on.subtitles(value), "subtitles");
  }

  _switch(id, field, act, name = id) {
    at(id).checked = this[field];
    at(id).onchange = () => {
      this[field] = at(id).checked;
      kept.set(name, this[field]);
      act(this[field]);
    };
  }

  _bindChoices() {
    at("emotions").append(
      ...EMOTIONS.map((name) => {
        const input = element("input", { type: "radio", name: "emotion", value: name });
        input.onchange = () => this.on.configure({ emotion: name === "neutral" ? name : `${name}:${STRENGTH}` });
        return element("label", { class: "pill" }, input, element("span", { text: name }));
      }),
    );
    at("voice").onchange = () => {
      kept.set("voice", at("voice").value);
      this.on.configure({ voice: at("voice").value });
    };
    at("animator").onchange = () => {
      kept.set("animator", at("animator").value);
      this.on.configure({ animator: at("animator").value });
    };
    for (const input of at("transports").querySelectorAll("input")) {
      input.checked = input.value === this.transport;
      input.onchange = () => {
        this.transport = input.value;
        kept.set("transport", input.value);
        this.on.transport(input.value);
      };
    }
  }

  _bindVolume() {
    const slider = at("volume");
    const show = () => {
      document.body.classList.toggle("silent", this.volume === 0);
      slider.setAttribute("aria-valuetext", `${slider.value} percent`);
    };
    slider.value = this.volume * 100;
    slider.oninput = () => {
      this.volume = slider.value / 100;
      kept.set("volume", this.volume);
      this.on.volume(this.volume);
      show();
    };
    show();
    const button = at("sound-button");
    const open = (isOpen) => {
      at("sound-box").hidden = !isOpen;
      button.setAttribute("aria-expanded", String(isOpen));
    };
    button.onclick = () => {
      open(at("sound-box").hidden);
      if (!at("sound-box").hidden) slider.focus();
    };
    const parent = button.parentElement;
    parent.addEventListener("focusout", ({ relatedTarget }) => parent.contains(relatedTarget) || open(false));
    parent.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || at("sound-box").hidden) return;
      event.stopPropagation();
      open(false);
      button.focus();
    });
  }
}
