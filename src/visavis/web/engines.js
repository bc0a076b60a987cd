// The engines behind the face: which are used, and better ones, fetched with one click while one goes on talking.

import { at, element } from "./dom.js";
import { dismiss, notice } from "./notices.js";

const ADDRESS = "/recommended";
const EVERY = 700; // ms between two looks at how far it is
const SLOTS = { asr: "Hears", turn: "Waits", llm: "Thinks", tts: "Speaks" };
const WORDS = { cancelled: "Stopped. What has come is kept.", loading: "Taking over …", done: "Done: it is used from now on." };

const size = (bytes) => (bytes < 1e9 ? `${Math.max(Math.round(bytes / 1e6), 1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

/** Seconds in words, about. */
function about(seconds) {
  return seconds < 90 ? `${Math.max(Math.ceil(seconds / 10), 1) * 10} s` : `${Math.round(seconds / 60)} min`;
}

export class Engines {
  /** `on` has show(): bring the panel with them. */
  constructor(on) {
    this.on = on;
    this.timer = null;
    this.isOffered = false;
    at("engines-pull").onclick = () => this._ask("POST");
    at("engines-cancel").onclick = () => this._ask("DELETE");
  }

  /** A session began, or others took over: look what there is. */
  async look() {
    await this._ask("GET");
  }

  /** Others took over. */
  equipped() {
    notice("engines", "Better engines took over. The conversation goes on with them.", { passing: true });
    this.look();
  }

  async _ask(method) {
    clearTimeout(this.timer);
    try {
      const response = await fetch(ADDRESS, { method });
      const told = await response.json();
      if (response.ok) this._show(told);
      else at("engines-error").textContent = told.error?.message ?? "The server refused it.";
    } catch {
      this.timer = setTimeout(() => this.look(), 5 * EVERY); // the line is lost: the page says so elsewhere
    }
  }

  _show(offer) {
    const { used, models, bytes, time, extras, may, why, job } = offer;
    at("engines-used").replaceChildren(
      ...used
        .filter(({ slot }) => slot in SLOTS)
        .flatMap(({ slot, name, model, about, licence }) => [
          element("dt", { text: SLOTS[slot] }),
          element("dd", { title: about, text: `${model ?? name} ` }, element("small", { text: licence })),
        ]),
    );
    const lacking = models.filter((model) => !model.is_here);
    const busy = job?.state === "pulling" || job?.state === "loading";
    at("engines-offer").hidden = lacking.length === 0 && !job;
    at("engines-models").replaceChildren(...lacking.map(row));
    at("engines-pull").hidden = busy || lacking.length === 0 || !may;
    at("engines-pull").textContent = job?.state === "cancelled" || job?.state === "failed" ? `Go on: ${size(bytes)}` : `Fetch: ${size(bytes)}`;
    at("engines-why").textContent = lacking.length && !may ? `To have them, ${why}` : "";
    at("engines-extras").textContent = extras ? `For still better ones, on the server: ${extras}` : "";
    at("engines-time").textContent = at("engines-pull").hidden
      ? ""
      : `It takes ${time}. You can go on talking meanwhile.`;
    at("engines-pulling").hidden = !busy;
    at("engines-error").textContent = job?.state === "failed" ? job.message : "";
    at("engines-state").textContent = WORDS[job?.state] ?? "";
    if (busy) this._progress(job);
    if (busy) this.timer = setTimeout(() => this.look(), EVERY);
    if (lacking.length && may && !busy && !this.isOffered) this._offer(bytes);
    if (busy || !lacking.length) dismiss("better");
    this.isOffered = true;
  }

  _progress({ title, done, total, remaining, state }) {
    at("engines-progress").max = total;
    at("engines-progress").value = done;
    const left = remaining === null ? "" : `, ${about(remaining)} left`;
    at("engines-words").textContent = state === "loading" ? "" : `${title}: ${size(done)} of ${size(total)}${left}`;
    at("engines-cancel").hidden = state === "loading";
  }

  _offer(bytes) {
    const action = { text: "Show", run: () => (dismiss("better"), this.on.show()) };
    notice("better", `A better ear, voice and mind can be fetched (${size(bytes)}).`, { action, passing: true });
  }
}

function row({ title, purpose, bytes, licence, licence_url: url }) {
  return element(
    "li",
    {},
    element("strong", { text: title }),
    element("span", { text: purpose }),
    element("small", { text: `${size(bytes)} · ` }, element("a", { href: url, target: "_blank", rel: "noopener", text: licence })),
  );
}
