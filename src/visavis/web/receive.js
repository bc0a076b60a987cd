// What each message of the server does to the page.

import { Avatars } from "./avatars.js";
import { announce, at, kept } from "./dom.js";
import { dismiss, notice } from "./notices.js";
import { OVER } from "./ring.js";
import { PICTURE, SOUND, parse, samplesOf } from "./wire.js";

/** {event, media, lost}: takers of what comes. `become(state)` shows a state, `played(position)` reports one. */
export function receivers(parts, { become, played }) {
  const { page, player, pictures, script, transcript, turns, transport, settings, avatars, talk, measures } = parts;
  const { engines } = parts;

  const takers = {
    welcome(event) {
      const returning = page.welcome !== null;
      page.welcome = event;
      page.isWelcome = true;
      for (const cause of ["lost", "internal", "unsent", ...Object.keys(ENDED)]) dismiss(cause);
      at("waiting").hidden = true;
      script.clear();
      player.begin(event.start, event.epoch);
      pictures.begin(event.epoch, event.fps);
      measures.begin();
      turns.begin(event.resumed);
      if (returning && !event.resumed) transcript.divide("The line was lost. A new conversation begins.");
      else transcript.restore(event.history);
      parts.face.waitWith(Avatars.picture(event.avatar));
      avatars.set(event.avatars, event.avatar, event.max_upload);
      settings.begin(event);
      talk.bySocket = true;
      talk.setPushToTalk(settings.pushToTalk);
      talk.begin(event.hears, event.language);
      transport.begin(event.webrtc);
      engines.look();
      if (returning) announce("Connected again");
      become("idle");
    },
    busy({ before }) {
      at("waiting").hidden = false;
      at("before").textContent = before === 0 ? "You are next" : `${before} before you`;
      dismiss("lost");
      become("waiting");
    },
    state({ state }) {
      if (state === "idle" || state === "speaking") transcript.unheard();
      become(state);
    },
    heard(event) {
      turns.heard(event);
      transcript.heard(event);
    },
    spoken(event) {
      if (event.epoch !== player.epoch) return;
      transport.setQuiet(false);
      transport.bound(event.start);
      script.add(event);
      turns.spoken(event);
      transcript.spoken(event);
    },
    flush({ position, epoch }) {
      transport.bound(position);
      const heard = measures.position;
      transport.setQuiet(true);
      player.flush(epoch);
      pictures.flush(epoch, position, heard + OVER);
      script.flush(position);
      turns.flush(position);
      played(heard);
    },
    answered: (event) => transcript.answered(event),
    timings: (event) => turns.timings(event),
    configured(event) {
      avatars.select(event.avatar);
      settings.follow(event);
      talk.setPushToTalk(event.push_to_talk);
      become(page.state);
    },
    equipped(event) {
      settings.offer(event);
      engines.equipped();
    },
    answer: ({ sdp }) => transport.answer(sdp),
    clock: (event) => transport.peer?.clock(event),
    error: (event) => refused(event, parts),
  };

  return {
    event: (event) => takers[event.type]?.(event),
    media(buffer) {
      const message = parse(buffer);
      if (!message || transport.active === "webrtc") return;
      if (message.kind === SOUND) player.push(message.start, samplesOf(message), message.epoch);
      if (message.kind === PICTURE) pictures.push(message.payload, message.start, message.epoch);
    },
    lost({ attempt, isRefused }) {
      page.isWelcome = false;
      transport.end();
      transcript.end();
      at("waiting").hidden = true;
      become("lost");
      if (attempt < 2) return; // a moment's loss needs no words
      const text = isRefused
        ? "The server is there but does not let this page in. Open the address that it printed, with its token."
        : "The server does not answer. Is “visavis serve” still running? This page tries again by itself.";
      notice("lost", text, { kind: "error", action: { text: "Try now", run: () => parts.connection.open() } });
    },
  };
}

const ENDED = {
  expired: { words: "This conversation goes on in another window.", action: "Bring it here" },
  idle: { words: "The conversation ended because nobody spoke for a while.", action: "Begin anew" },
};

/** An `error`: what it means for the connection, and its words. */
function refused({ code, message, fatal }, { page, connection }) {
  if (!page.isWelcome) for (const name of ["avatar", "voice"]) kept.set(name, null); // they may be gone
  if (code === "version") {
    connection.stop();
    notice("version", message, { kind: "error", action: { text: "Reload", run: () => location.reload() } });
  } else if (fatal && ENDED[code]) {
    connection.stop(); // or two windows would take the conversation from one another for ever
    notice(code, ENDED[code].words, { action: { text: ENDED[code].action, run: () => connection.open() } });
  } else notice(code, message, { kind: "error", passing: !fatal });
}
