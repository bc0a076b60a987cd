// Words about what is wrong or wanted, one at a time for each cause, with what can be done.

import { at, element, icon } from "./dom.js";

const SHORT = 8000; // ms that a passing one stays

const shown = new Map(); // cause → element

/** Show a notice in place of the last one of its cause. `action` is {text, run}; `passing` ones go by themselves. */
export function notice(cause, text, { kind = "info", action = null, passing = false } = {}) {
  const old = shown.get(cause);
  if (old?.dataset.text === text) return;
  dismiss(cause);
  const role = kind === "error" ? "alert" : "status";
  const box = element("div", { class: `notice ${kind}`, role, "data-text": text }, element("p", { text }));
  if (action) {
    const button = element("button", { type: "button", class: "action", text: action.text });
    button.onclick = action.run;
    box.append(button);
  }
  const close = element("button", { type: "button", class: "plain", "aria-label": "Dismiss" }, icon("close"));
  close.onclick = () => dismiss(cause);
  box.append(close);
  shown.set(cause, box);
  at("notices").append(box);
  if (passing) setTimeout(() => shown.get(cause) === box && dismiss(cause), SHORT);
}

export function dismiss(cause) {
  shown.get(cause)?.remove();
  shown.delete(cause);
}
