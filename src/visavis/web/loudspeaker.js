// A loudspeaker at the session's rate: on the audio thread, or on the page's own where a plain http page may not.

import { Speaker } from "./speaker.js";
import { RATE } from "./wire.js";

const BLOCK = 2048; // samples, 43 ms: the page's own thread needs room

/** {context, node, gain, post}, or null where the browser has no sound at all. */
export async function openSpeaker(report, volume) {
  const Context = window.AudioContext ?? window.webkitAudioContext;
  if (!Context) return null;
  const context = new Context({ sampleRate: RATE, latencyHint: "interactive" });
  const gain = context.createGain();
  gain.gain.value = volume;
  gain.connect(context.destination);
  const { node, post } = context.audioWorklet ? await onAudioThread(context, report) : onPage(context, report);
  node.connect(gain);
  return { context, node, gain, post };
}

async function onAudioThread(context, report) {
  await context.audioWorklet.addModule("/static/player-worklet.js");
  const node = new AudioWorkletNode(context, "player", { numberOfInputs: 0, outputChannelCount: [1] });
  node.port.onmessage = ({ data }) => report(data);
  return { node, post: (message, transfer = []) => node.port.postMessage(message, transfer) };
}

/** Worklets need a secure context; this older way works everywhere, and a busy page may be heard. */
function onPage(context, report) {
  const speaker = new Speaker(report);
  const node = context.createScriptProcessor(BLOCK, 0, 1);
  node.onaudioprocess = ({ outputBuffer, playbackTime }) => {
    speaker.render(outputBuffer.getChannelData(0), playbackTime);
  };
  return { node, post: (message) => speaker.take(message, context.currentTime) };
}
