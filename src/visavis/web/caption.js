// One line under the face: what it is doing, and what you can do now.

import { at } from "./dom.js";

/** The line for an avatar's state and a microphone's (off, starting, open, muted). */
function words(state, { mic, pushToTalk, halfDuplex, hears }) {
  if (state === "connecting") return "Connecting …";
  if (state === "waiting") return "Waiting for a place";
  if (state === "lost") return "Looking for the server …";
  if (mic === "starting") return "Asking for the microphone …";
  if (state === "thinking") return "Thinking …";
  if (state === "held") return "Listening …";
  if (state === "speaking") {
    if (halfDuplex) return "Speaking, and listening again afterwards";
    return mic === "open" && !pushToTalk ? "Speaking. Talk to interrupt" : "Speaking";
  }
  if (!hears) return "Type a question";
  if (pushToTalk && mic === "open") return "Listening. Let go when you are done";
  if (pushToTalk) return "Hold the button or the space bar, and talk";
  if (mic === "open") return state === "listening" ? "Listening …" : "Go ahead, I am listening";
  return mic === "muted" ? "You are muted" : "Press the microphone and talk";
}

/** Show a state: on the page, in the line, and what can be pressed in it. */
export function showState(state, circumstances) {
  document.body.dataset.state = state;
  const line = at("caption");
  const text = words(state, circumstances);
  if (line.textContent !== text) line.textContent = text;
  at("interrupt").disabled = !["thinking", "speaking", "held"].includes(state);
}
