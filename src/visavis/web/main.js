// The page: its parts, how they are joined, and the loop that shows what is heard.

import { Avatars } from "./avatars.js";
import { showState } from "./caption.js";
import { Connection } from "./connection.js";
import { bindControls } from "./controls.js";
import { at, kept } from "./dom.js";
import { Engines } from "./engines.js";
import { Face } from "./face.js";
import { Listen } from "./listen.js";
import { Measures, expose } from "./measures.js";
import { dismiss, notice } from "./notices.js";
import { Overlay } from "./overlay.js";
import { Panel } from "./panel.js";
import { Pictures } from "./pictures.js";
import { Player } from "./player.js";
import { receivers } from "./receive.js";
import { Recording } from "./recording.js";
import { Script } from "./script.js";
import { Settings } from "./settings.js";
import { Subtitles } from "./subtitles.js";
import { Talk } from "./talk.js";
import { Transcript } from "./transcript.js";
import { Transport } from "./transport.js";
import { Turns } from "./turns.js";

const SERVERS_OWN = "default"; // the avatar that the server was started with
const PLAYED_EVERY = 500; // ms
const WRITE_EVERY = 120; // ms, of the transcript

let written = 0;
let shownLevel = null;
const page = { state: "connecting", welcome: null, isWelcome: false };
const connection = new Connection(() => ({ avatar: kept.get("avatar", null), voice: kept.get("voice", null) }));
const send = (event) => connection.send(event);
const face = new Face(at("face"), at("glow"), at("poster"), at("portrait"), [at("stage"), at("notices")]);
const player = new Player();
const pictures = new Pictures(face);
const script = new Script();
const subtitles = new Subtitles(at("subtitles"), script);
const transcript = new Transcript(script);
const panel = new Panel();
const recording = new Recording(face, player);

const transport = new Transport({
  send,
  picture: (...picture) => face.show(...picture),
  position: () => player.heard(),
  taken(peer) {
    player.pause();
    peer.audio.volume = settings.volume;
    talk.bySocket = false;
    recording.add("peer", peer.audio.srcObject);
  },
  returned() {
    player.begin(null, player.epoch);
    pictures.begin(player.epoch, page.welcome.fps);
    talk.bySocket = true;
    recording.add("peer", null);
  },
  note: (text) => notice("transport", text, { passing: true }),
});
const measures = new Measures({ player, pictures, transport });

const talk = new Talk({
  send,
  sendSound: (buffer) => connection.sendSound(buffer),
  track(track, stream) {
    transport.setMicrophone(track);
    recording.add("microphone", stream);
  },
  changed: () => become(page.state),
  enable: enableSound,
});
const turns = new Turns((sample) => talk.microphone.capturedAt(sample));

const settings = new Settings({
  configure(fields) {
    send({ type: "configure", ...fields });
    talk.setPushToTalk(settings.pushToTalk);
    become(page.state);
  },
  subtitles: (visible) => subtitles.setVisible(visible),
  transport: (choice) => transport.choose(choice),
  volume(volume) {
    player.setVolume(volume);
    if (transport.peer) transport.peer.audio.volume = volume;
  },
});

const listen = new Listen({
  volume: () => settings.volume,
  begin() {
    at("interrupt").disabled || send({ type: "interrupt" });
    talk.hold(true);
  },
  end: () => talk.hold(false),
});

const avatars = new Avatars({
  secret: () => connection.resume,
  dropped() {
    panel.set(true);
    panel.select("faces");
  },
  chosen(name) {
    const isOwn = !page.welcome.avatars.some((choice) => choice.name === name); // gone with the conversation
    kept.set("avatar", isOwn ? null : name);
    kept.set("voice", null); // a face brings its own
    listen.stop();
    send({ type: "configure", avatar: name });
    face.changed();
  },
});

const engines = new Engines({
  show() {
    panel.set(true);
    panel.select("settings");
    at("engines").scrollIntoView();
  },
});

const overlay = new Overlay(turns, () => measures.table({ face, connection, session: page.welcome?.session }));

function become(state) {
  page.state = state;
  const { halfDuplex, pushToTalk } = settings;
  document.body.classList.toggle("pushing", pushToTalk);
  showState(state, { mic: document.body.dataset.mic, halfDuplex, pushToTalk, hears: talk.hears });
  if (state === "speaking" && !audible()) {
    const action = { text: "Turn sound on", run: enableSound };
    notice("sound", "It is speaking. Click anywhere to hear it.", { action });
  }
}

function audible() {
  return measures.peer ? measures.peer.audible : player.audible;
}

/** Browsers give sound to whoever has clicked or pressed a key. */
function enableSound() {
  player.enable();
  transport.peer?.resume();
  dismiss("sound");
}

function played(position = measures.position) {
  if (!page.isWelcome) return;
  const { skew, shown, dropped, stalled } = measures;
  send({ type: "played", position, epoch: player.epoch, skew, shown, dropped, stalled });
}

function ask(event) {
  event.preventDefault();
  const text = at("text").value.trim();
  if (!text) return;
  enableSound();
  if (!page.isWelcome || !send({ type: "text", text })) {
    notice("unsent", "There is no connection just now. Your question stays here until there is.", { passing: true });
    return;
  }
  transcript.type(text);
  at("text").value = "";
}

function showLevel(level) {
  if (level === shownLevel) return; // a style that is set is computed, changed or not
  shownLevel = level;
  for (const id of ["microphone", "portrait"]) at(id).style.setProperty("--level", level);
}

function write(heard) {
  written = performance.now();
  transcript.update(heard);
}

/** Once a screen refresh: what is heard is seen and read. */
function refresh() {
  requestAnimationFrame(refresh);
  const heard = measures.position;
  if (!measures.peer) pictures.draw(heard);
  subtitles.update(heard);
  if (performance.now() - written > WRITE_EVERY) write(heard);
  const start = measures.picture ?? (measures.peer ? heard : null);
  const first = start === null ? null : turns.shown(start, heard);
  if (first) send({ type: "shown", ...first });
  showLevel(talk.microphone.level.toFixed(2));
}

const parts = {
  page, connection, face, player, pictures, script, transcript, turns, transport, settings, avatars, talk, measures,
  engines,
};
connection.on = receivers(parts, { become, played });
at("composer").onsubmit = ask;
at("details").onclick = () => overlay.toggle();
bindControls(
  {
    toggle: () => talk.toggle(),
    talk: (down) => talk.talk(down),
    interrupt: () => at("interrupt").disabled || send({ type: "interrupt" }),
    details: () => overlay.toggle(),
    pushToTalk: () => settings.pushToTalk,
  },
  panel,
);
for (const gesture of ["click", "keydown", "pointerup", "touchend"]) {
  addEventListener(gesture, () => audible() || enableSound(), { capture: true, passive: true });
}
setInterval(() => {
  played();
  write(measures.position); // a hidden page has no refresh
  if (audible()) dismiss("sound");
}, PLAYED_EVERY);

expose(measures, { turns, face, connection, state: () => page.state });
player.setVolume(settings.volume);
subtitles.setVisible(settings.subtitles);
transport.choice = settings.transport;
face.waitWith(Avatars.picture(kept.get("avatar", SERVERS_OWN)));
connection.open();
player.enable(); // granted at once where the user allows it
refresh();
