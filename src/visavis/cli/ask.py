"""`visavis ask` and `visavis animate`: a question, or speech, to a video of a face that speaks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli.app import app, override
from visavis.streams.flow import Stream, flow

if TYPE_CHECKING:
    from visavis.avatars.avatar import Avatar
    from visavis.conversation.reply import Manner
    from visavis.engines.protocols import Slot
    from visavis.media.clip import Clip
    from visavis.playback.motion_file import MotionWriter
    from visavis.playback.mp4 import Written
    from visavis.settings import Settings

AvatarOption = Annotated[
    str | None,
    typer.Option("--avatar", "-a", help="A picture, a video, or a stored avatar's name; the built-in face otherwise."),
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="The video to write (.mp4, or .webm for VP9).")]
MotionOption = Annotated[
    Path | None, typer.Option("--motion", metavar="FILE.json", help="Also write the face's motion, words and times.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
SizeOption = Annotated[int | None, typer.Option("--size", help="Pixels of the video's longer side.  [default: 512]")]
FpsOption = Annotated[int | None, typer.Option("--fps", help="Pictures a second.  [default: 25]")]
CodecOption = Annotated[str | None, typer.Option("--codec", help="h264 or vp9.  [default: h264]")]


@dataclass(frozen=True, slots=True)
class Job:
    """Where a video goes, and what goes with it."""

    output: Path
    motion: Path | None
    as_json: bool

    def check_places(self, *inputs: Path | str | None) -> None:
        """Raise `BadInput` if writing would destroy what is read, or what is written beside it."""
        from visavis.errors import BadInput

        taken = {Path(each).resolve() for each in inputs if each is not None}
        for place in (self.output, self.motion):
            if place is not None and place.resolve() in taken:
                raise BadInput(f"'{place}' is in use for something else here: choose another name to write to")
            if place is not None:
                taken.add(place.resolve())

    def say(self, text: str) -> None:
        """A line for a person; a program reads the JSON at the end instead."""
        if not self.as_json:
            typer.echo(text)


@app.command(epilog="Examples: visavis ask 'What is the moon made of?'   visavis ask question.wav -a me.jpg -o me.mp4")
def ask(
    question: Annotated[str, typer.Argument(help="What you ask: text, or an audio file (wav, mp3, flac, ogg, …).")],
    avatar: AvatarOption = None,
    output: OutputOption = Path("answer.mp4"),
    voice: Annotated[str | None, typer.Option("--voice", help="A voice; the avatar's own otherwise.")] = None,
    language: Annotated[str | None, typer.Option("--language", help="As in en or de.  [default: en]")] = None,
    llm: Annotated[str | None, typer.Option("--llm", help="The language model's engine.  [default: auto]")] = None,
    llm_url: Annotated[str | None, typer.Option("--llm-url", help="An OpenAI-compatible server instead.")] = None,
    tts: Annotated[str | None, typer.Option("--tts", help="The voice's engine.  [default: auto]")] = None,
    motion: MotionOption = None,
    size: SizeOption = None,
    fps: FpsOption = None,
    codec: CodecOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask, and get a video of a face that answers aloud."""
    override(voice=voice, language=language, llm=llm, llm_url=llm_url, tts=tts, size=size, fps=fps, codec=codec)
    asyncio.run(_ask(question, avatar, Job(output, motion, as_json)))


@app.command(epilog="Example: visavis animate speech.mp3 -a me.jpg -o me.mp4")
def animate(
    speech: Annotated[Path, typer.Argument(help="Speech in any language: wav, mp3, flac, ogg, m4a, webm, …")],
    avatar: AvatarOption = None,
    output: OutputOption = Path("speech.mp4"),
    motion: MotionOption = None,
    size: SizeOption = None,
    fps: FpsOption = None,
    codec: CodecOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a face speak a recording, its lips moved by the sound alone."""
    override(size=size, fps=fps, codec=codec)
    asyncio.run(_animate(speech, avatar, Job(output, motion, as_json)))


async def _ask(question: str, avatar_name: str | None, job: Job) -> None:
    from visavis.conversation.history import History
    from visavis.conversation.language import check_script
    from visavis.conversation.question import as_file, check_text, transcribe
    from visavis.conversation.reply import reply
    from visavis.conversation.spoken import warm
    from visavis.engines.loading import check_voice, load_engines
    from visavis.playback.mp4 import check_output
    from visavis.settings import load_settings

    settings = load_settings()
    spoken = as_file(question)
    job.check_places(spoken, avatar_name)
    check_output(job.output, settings.codec)
    if spoken is None:
        check_script(check_text(question), settings.language)
    slots: list[Slot] = ["llm", "tts", "articulation", "animation", *(("vad", "asr") if spoken else ())]
    _introduce(job, settings, slots)
    avatar = await _avatar(avatar_name, settings)
    if settings.voice is not None:
        check_voice(settings.voice, settings)
    begun = time.perf_counter()
    warming = asyncio.ensure_future(asyncio.to_thread(warm))  # beside the engines, before the first number is said
    async with load_engines(settings, slots) as engines:
        await warming
        loaded = time.perf_counter()
        heard = question if spoken is None else await transcribe(spoken, engines, settings.language)
        if spoken is not None:
            job.say(f"heard:  {heard}")
        asked = time.perf_counter()
        history = History.begin(settings.system_prompt).asked(heard)
        clips = reply(history, engines, avatar, _manner(settings))
        answer, written = await _write(clips, job, settings, None)
    job.say(f"video:  {written.path} ({written.duration:.1f} s, made in {time.perf_counter() - asked:.1f} s)")
    if job.as_json:
        facts = {
            "heard": heard,
            "answer": answer,
            "video": str(written.path),
            "motion": job.motion and str(job.motion),
            "seconds": round(written.duration, 3),
            "frames": written.frames,
            "timings": {
                "loading": round(loaded - begun, 3),
                "listening": round(asked - loaded, 3),
                "answering": round(time.perf_counter() - asked, 3),
            },
        }
        typer.echo(json.dumps(facts, indent=2))


async def _animate(speech: Path, avatar_name: str | None, job: Job) -> None:
    from visavis.conversation.animate import animate as animated
    from visavis.conversation.recording import recording
    from visavis.engines.loading import load_engines
    from visavis.engines.protocols import Rendering
    from visavis.media.codecs import probe_audio
    from visavis.playback.mp4 import check_output
    from visavis.settings import load_settings

    settings = load_settings()
    job.check_places(speech, avatar_name)
    check_output(job.output, settings.codec)
    total = probe_audio(speech)
    slots: list[Slot] = ["articulation", "animation"]
    _introduce(job, settings, slots)
    avatar = await _avatar(avatar_name, settings)
    begun = time.perf_counter()
    async with load_engines(settings, slots) as engines:
        rendering = Rendering(settings.size, Fraction(settings.fps))
        clips = animated(recording(speech), avatar, engines.articulation, engines.animation, rendering)
        _, written = await _write(clips, job, settings, total)
    job.say(f"video:  {written.path} ({written.duration:.1f} s, made in {time.perf_counter() - begun:.1f} s)")
    if job.as_json:
        facts = {"video": str(written.path), "motion": job.motion and str(job.motion), "frames": written.frames}
        typer.echo(json.dumps(facts | {"seconds": round(written.duration, 3)}, indent=2))


def _introduce(job: Job, settings: Settings, slots: Collection[Slot]) -> None:
    """Fetch what is needed for the first time, and say in one line what is used."""
    from visavis.cli.models import fetch_missing
    from visavis.engines.registry import choose, speaks, wanted_weights

    fetch_missing(wanted_weights(slots, settings))
    chosen = {slot: choose(slot, settings).info for slot in slots}
    if "llm" in chosen and not speaks(chosen["llm"], settings.language):
        known = ", ".join(chosen["llm"].languages)
        typer.echo(
            f"note: {chosen['llm'].name} answers in {known} only; --llm-url names a server that knows more", err=True
        )
    job.say("using:  " + ", ".join(f"{info.name} ({slot})" for slot, info in chosen.items()))


async def _avatar(name: str | None, settings: Settings) -> Avatar:
    from visavis.avatars.store import AvatarStore, resolve
    from visavis.cli.progress import steps
    from visavis.streams.worker import Worker

    worker = Worker("avatar")
    try:
        with steps("avatar") as progress:
            store = AvatarStore(settings.data_dir / "avatars")
            avatar = await worker.run(resolve, name, store, size=settings.size, progress=progress)
        if avatar.note and avatar.name not in {entry.name for entry in store.list()}:
            typer.echo(f"{name}: {avatar.note}", err=True)  # which face was taken, what was cut off
        return avatar
    finally:
        worker.close()


def _manner(settings: Settings) -> Manner:
    from visavis.conversation.reply import Manner
    from visavis.engines.protocols import Rendering, Sampling

    return Manner(
        sampling=Sampling(max_tokens=settings.max_tokens, temperature=settings.temperature),
        rendering=Rendering(settings.size, Fraction(settings.fps)),
        language=settings.language,
        voice=settings.voice,
        speed=settings.speed,
    )


async def _write(clips: Stream[Clip], job: Job, settings: Settings, total: float | None) -> tuple[str, Written]:
    """Write the clips, and their motion where it is asked for; the answer's text is shown when it is complete."""
    from visavis.cli.progress import bar
    from visavis.playback.motion_file import MotionWriter
    from visavis.playback.mp4 import write_mp4

    texts: list[str] = []
    with bar("speaking", total, "s") as progress, MotionWriter(job.motion, Fraction(settings.fps)) as motion:
        noted = _noted(clips, texts, motion)
        written = await write_mp4(
            noted, job.output, fps=Fraction(settings.fps), codec=settings.codec, progress=progress
        )
    if texts:
        job.say(f"answer: {' '.join(texts)}")
    return " ".join(texts), written


@flow
async def _noted(clips: Stream[Clip], texts: list[str], motion: MotionWriter) -> Stream[Clip]:
    """The same clips; their sentences and their motion are noted as they pass."""
    async for clip in clips:
        if clip.text:
            texts.append(clip.text)
        motion.add(clip)
        yield clip
