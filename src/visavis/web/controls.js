// The microphone button, the keys, full screen.

import { at } from "./dom.js";

/** `on` has toggle(), talk(down), interrupt(), details(), pushToTalk(): whether holding is how one talks. */
export function bindControls(on, panel) {
  bindMicrophone(on);
  at("interrupt").onclick = on.interrupt;
  bindFullScreen();
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (panel.isSheet) panel.set(false);
      else on.interrupt();
      return;
    }
    if (writes(event.target) || event.repeat) return;
    if (event.key === " " && on.pushToTalk() && !presses(event.target)) {
      event.preventDefault();
      on.talk(true);
    }
    const act = { d: on.details, m: on.toggle, f: toggleFullScreen }[event.key.toLowerCase()];
    act?.();
  });
  addEventListener("keyup", (event) => event.key === " " && on.talk(false));
  // whoever leaves the page holds no key any more
  addEventListener("blur", () => on.talk(false));
}

function bindMicrophone(on) {
  const button = at("microphone");
  button.addEventListener("click", () => on.pushToTalk() || on.toggle());
  button.addEventListener("contextmenu", (event) => on.pushToTalk() && event.preventDefault());
  button.addEventListener("pointerdown", (event) => {
    if (!on.pushToTalk() || event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    on.talk(true);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    button.addEventListener(end, () => on.talk(false));
  }
  button.addEventListener("keydown", (event) => {
    if (!on.pushToTalk() || ![" ", "Enter"].includes(event.key)) return;
    event.preventDefault();
    if (!event.repeat) on.talk(true);
  });
  button.addEventListener("keyup", (event) => event.key === "Enter" && on.talk(false));
}

function bindFullScreen() {
  const root = document.documentElement;
  const possible = document.fullscreenEnabled || document.webkitFullscreenEnabled;
  at("fullscreen").hidden = !possible;
  at("fullscreen").onclick = toggleFullScreen;
  const follow = () => {
    const full = Boolean(document.fullscreenElement ?? document.webkitFullscreenElement);
    document.body.classList.toggle("full", full);
    at("fullscreen").setAttribute("aria-label", full ? "Leave full screen" : "Full screen");
  };
  root.addEventListener("fullscreenchange", follow);
  root.addEventListener("webkitfullscreenchange", follow);
}

function toggleFullScreen() {
  const root = document.documentElement;
  if (document.fullscreenElement ?? document.webkitFullscreenElement) {
    (document.exitFullscreen ?? document.webkitExitFullscreen).call(document);
  } else (root.requestFullscreen ?? root.webkitRequestFullscreen)?.call(root);
}

function writes(target) {
  return target.matches?.("input:not([type=radio], [type=checkbox], [type=range]), textarea, select");
}

/** Whether the space bar has a meaning of its own there. */
function presses(target) {
  return target.matches?.("button, input, select, a, [role=tab]");
}
