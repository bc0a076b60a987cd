"""What happens on the page: people come, choose, ask, stop, clear. What is theirs is in their own session's state."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr

from visavis.ui import languages, show
from visavis.ui.client import Answer, Gateway, GatewayRefused, Question

READY = "Type a question, record one, or take one of these."
UNHEARING = "Type a question, or take one of these."
_TOLD = 0.5
"""Seconds between telling how long it has taken."""
Updates = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class Face:
    """One to choose."""

    name: str
    """What the gateway knows it by; empty for the one that it takes by itself."""
    label: str
    picture: Path | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """One person's page."""

    faces: tuple[Face, ...] = ()
    face: str = ""
    usual: Mapping[str, str] = field(default_factory=dict)
    voices: tuple[Mapping[str, str], ...] = ()
    ready: str = READY
    entries: tuple[show.Entry, ...] = ()

    @property
    def shown(self) -> tuple[Face, ...]:
        """The faces that can be seen, in the gallery's order."""
        return tuple(each for each in self.faces if each.picture is not None)

    @property
    def chosen(self) -> Face:
        """The face that answers."""
        return next((each for each in self.faces if each.name == self.face), Face("", "The avatar"))

    def stage(self, video: Path | None = None) -> str:
        """The chosen face, or its video."""
        return show.stage(self.chosen.picture, self.chosen.label, video)

    def spoken(self, language: str) -> list[tuple[str, str]]:
        """The voices of a language, for a list to choose from."""
        base = language.split("-")[0].lower()
        own = [each for each in self.voices if each["language"].split("-")[0].lower() == base]
        return [("The face’s own", "")] + [(f"{each['about']} ({each['name']})", each["name"]) for each in own]


@dataclass(frozen=True, slots=True)
class Parts:
    """What is changed on the page."""

    talk: gr.State
    stage: gr.Markdown
    status: gr.Markdown
    text: gr.Textbox
    sound: gr.Audio
    file: gr.UploadButton
    stop: gr.Button
    examples: tuple[gr.Button, ...]
    transcript: gr.Markdown
    save: gr.DownloadButton
    clear: gr.Button
    choosing: gr.Column
    faces: gr.Gallery
    voice: gr.Dropdown
    language: gr.Dropdown
    animator: gr.Radio
    live: gr.Markdown


class Happenings:
    """On the page of a `gateway`; files go into `folder`, which Gradio serves."""

    def __init__(self, gateway: Gateway, folder: Path, parts: Parts) -> None:
        self._gateway, self._folder, self._parts = gateway, folder, parts

    async def arrive(self, request: gr.Request) -> Updates:
        """Somebody opens the page."""
        parts = self._parts
        try:
            found = await self._gateway.choices(_who(request))
        except GatewayRefused as refused:
            gr.Warning(str(refused), title="No gateway")
            return {parts.status: show.status("Reload the page when the gateway is there.")}
        if found is None:  # it answers questions, and has nothing to choose
            return {parts.talk: Talk(), parts.choosing: gr.update(visible=False)}
        places = await asyncio.gather(*(self._picture(each["picture"], _who(request)) for each in found["avatars"]))
        faces = tuple(
            Face(each["name"], each["name"].capitalize() or "The server’s own", place)
            for each, place in zip(found["avatars"], places, strict=True)
        )
        usual, ready = found["usual"], READY if found["hears"] else UNHEARING
        talk = Talk(faces, usual["avatar"], usual, tuple(found["voices"]), ready)
        language = usual["language"].split("-")[0]
        return {
            parts.talk: talk,
            parts.stage: talk.stage(),
            parts.status: show.status(ready),
            parts.sound: gr.update(visible=found["hears"]),
            parts.file: gr.update(visible=found["hears"]),
            parts.faces: _gallery(talk),
            parts.voice: gr.update(choices=talk.spoken(language), value=""),
            parts.language: gr.update(
                choices=[(languages.name(each), each) for each in found["languages"]], value=language
            ),
            parts.animator: gr.update(
                choices=[(each["name"], each["name"]) for each in found["animators"]], value=usual["animator"]
            ),
        }

    async def choose(self, talk: Talk, event: gr.SelectData) -> Updates:
        """A face is taken."""
        talk = replace(talk, face=talk.shown[int(event.index)].name)
        return {self._parts.talk: talk, self._parts.stage: talk.stage(), self._parts.save: gr.update(visible=False)}

    async def speak(self, talk: Talk, language: str) -> Updates:
        """A language is chosen: it has voices of its own."""
        return {self._parts.voice: gr.update(choices=talk.spoken(language), value="")}

    async def bring(self, talk: Talk, file: str, request: gr.Request) -> AsyncGenerator[Updates, None]:
        """A picture or a video of one's own becomes a face."""
        parts = self._parts
        yield {parts.status: show.status("Looking for a face …", busy=True)}
        try:
            made = await self._gateway.bring(await asyncio.to_thread(_taken, file), _who(request))
            picture = await self._picture(made["picture"], _who(request))
        except GatewayRefused as refused:
            gr.Warning(str(refused), title="Not this file")
            yield {parts.status: show.status(talk.ready)}
            return
        if made["about"]:
            gr.Info(made["about"])
        kept = []
        for each in talk.faces:
            if not each.name.startswith("own-"):
                kept.append(each)
                continue
            with suppress(GatewayRefused):  # it is forgotten in time
                await self._gateway.forget(each.name)
        talk = replace(talk, faces=(*kept, Face(made["name"], "Yours", picture)), face=made["name"])
        yield {
            parts.talk: talk,
            parts.stage: talk.stage(),
            parts.status: show.status(talk.ready),
            parts.faces: _gallery(talk),
            parts.save: gr.update(visible=False),
        }

    async def ask(
        self,
        talk: Talk,
        words: str,
        voice: str | None,
        language: str | None,
        animator: str | None,
        request: gr.Request,
    ) -> AsyncGenerator[Updates, None]:
        """A question is typed."""
        if not words.strip():
            gr.Warning("There is no question yet: type one, or record one.", title="Nothing to ask")
            return
        question = self._question(talk, voice, language, animator, text=words.strip())
        async for each in self._asked(talk, question, _who(request)):
            yield each

    async def ask_aloud(
        self,
        talk: Talk,
        file: str | None,
        voice: str | None,
        language: str | None,
        animator: str | None,
        request: gr.Request,
    ) -> AsyncGenerator[Updates, None]:
        """A question is recorded, or sent as a file."""
        if file is None:
            return
        sound = await asyncio.to_thread(_taken, file)
        question = self._question(talk, voice, language, animator, sound=sound)
        async for each in self._asked(talk, question, _who(request)):
            yield each

    def _question(
        self, talk: Talk, voice: str | None, language: str | None, animator: str | None, **asked: Any
    ) -> Question:
        return Question(
            face=_unusual(talk.face, talk.usual.get("avatar")),
            voice=voice or None,
            language=_unusual(language, talk.usual.get("language", "").split("-")[0]),
            animator=_unusual(animator, talk.usual.get("animator")),
            **asked,
        )

    async def _asked(self, talk: Talk, question: Question, client: str) -> AsyncGenerator[Updates, None]:
        parts = self._parts
        yield {
            parts.status: show.status(f"{talk.chosen.label} thinks …", busy=True),
            parts.text: gr.update(interactive=False),
            parts.stop: gr.update(visible=True),
            **{each: gr.update(interactive=False) for each in parts.examples},
        }
        begun = time.perf_counter()
        task = asyncio.create_task(self._answered(question, client))
        try:
            while not (await asyncio.wait({task}, timeout=_TOLD))[0]:
                taken = time.perf_counter() - begun
                yield {parts.status: show.status(f"{talk.chosen.label} thinks … {taken:.0f} s", busy=True)}
            if task.cancelled():  # the server ends
                return
            answer, video = task.result()
        except GatewayRefused as refused:
            gr.Warning(str(refused), title="No answer")
            yield self._restored(talk)
            return
        finally:
            task.cancel()
        timings = (*answer.timings, ("here", time.perf_counter() - begun))
        entry = show.Entry(answer.transcript or question.text or "", answer.text, talk.chosen.label, timings)
        talk = replace(talk, entries=(*talk.entries, entry))
        yield {
            **self._restored(talk),
            parts.talk: talk,
            parts.text: gr.update(value="", interactive=True),
            parts.stage: talk.stage(video),
            parts.transcript: show.transcript(talk.entries),
            parts.save: gr.update(value=str(video), visible=True),
            parts.clear: gr.update(visible=True),
        }

    async def stopped(self, talk: Talk) -> Updates:
        """The answer is not waited for."""
        return self._restored(talk)

    async def clear(self, talk: Talk) -> Updates:
        """Begin anew, with the same face."""
        parts, talk = self._parts, replace(talk, entries=())
        return {
            parts.talk: talk,
            parts.stage: talk.stage(),
            parts.transcript: show.transcript(()),
            parts.text: gr.update(value=""),
            parts.save: gr.update(value=None, visible=False),
            parts.clear: gr.update(visible=False),
        }

    async def live(self, request: gr.Request) -> Updates:
        """The live page is looked at. It takes a place on the gateway, so it is there only then."""
        origin = "" if self._gateway.is_here else self._gateway.url.rstrip("/")
        own = request.headers.get("origin") or f"{request.url.scheme}://{request.headers.get('host')}"
        shown = show.frame(origin) if await self._gateway.may_frame(own) else show.elsewhere(origin, own)
        return {self._parts.live: shown}

    async def dead(self) -> Updates:
        """It is looked at no longer: its conversation ends."""
        return {self._parts.live: ""}

    def _restored(self, talk: Talk) -> Updates:
        parts = self._parts
        return {
            parts.status: show.status(talk.ready),
            parts.text: gr.update(interactive=True),
            parts.sound: gr.update(value=None),
            parts.file: gr.update(value=None),
            parts.stop: gr.update(visible=False),
            **{each: gr.update(interactive=True) for each in parts.examples},
        }

    async def _answered(self, question: Question, client: str) -> tuple[Answer, Path]:
        answer = await self._gateway.ask(question, client)
        data = await self._gateway.video(answer.video, client)
        return answer, await asyncio.to_thread(self._kept, "answer.mp4", data)

    async def _picture(self, path: str, client: str) -> Path | None:
        try:
            data = await self._gateway.picture(path, client)
        except GatewayRefused:
            return None
        return await asyncio.to_thread(self._kept, "face.jpg", data)

    def _kept(self, name: str, data: bytes) -> Path:
        """A file of the data, at a place that nobody else can guess."""
        place = self._folder / secrets.token_hex(16) / name
        place.parent.mkdir()
        place.write_bytes(data)
        return place


def _gallery(talk: Talk) -> Any:
    chosen = next((i for i, each in enumerate(talk.shown) if each.name == talk.face), None)
    return gr.update(value=[(str(each.picture), each.label) for each in talk.shown], selected_index=chosen)


def _taken(file: str) -> bytes:
    """What was sent; the file is needed no longer."""
    data = Path(file).read_bytes()
    Path(file).unlink(missing_ok=True)
    return data


def _unusual(value: str | None, usual: str | None) -> str | None:
    """What is chosen, where it is not what is taken anyway."""
    return value if value and value != usual else None


def _who(request: gr.Request) -> str:
    return request.client.host if request.client else ""
