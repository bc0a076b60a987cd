"""`visavis ask` and `visavis animate`: a question, or speech, to a video of a face that speaks."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import time
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from visavis.cli.app import app, examples, override
from visavis.errors import BadInput
from visavis.streams.flow import Stream

if TYPE_CHECKING:
    from visavis.avatars.avatar import Avatar
    from visavis.conversation.reply import Manner
    from visavis.engines.protocols import EngineInfo, Slot
    from visavis.media.clip import Clip
    from visavis.media.mood import State
    from visavis.playback.mp4 import Written
    from visavis.settings import Settings

AvatarOption = Annotated[
    str | None,
    typer.Option("--avatar", "-a", help="A picture, a video, or an avatar's name; vera otherwise."),
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="The video to write (.mp4, or .webm for VP9).")]
MotionOption = Annotated[
    Path | None, typer.Option("--motion", metavar="FILE.json", help="Also write the face's motion, words and times.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
SizeOption = Annotated[int | None, typer.Option("--size", help="Pixels of the video's longer side.  [default: 512]")]
FpsOption = Annotated[int | None, typer.Option("--fps", help="Pictures a second.  [default: 25]")]
CodecOption = Annotated[str | None, typer.Option("--codec", help="h264 or vp9.  [default: h264]")]
EmotionOption = Annotated[
    str | None,
    typer.Option(
        "--emotion",
        metavar="NAME[:STRENGTH]",
        help="neutral, friendly, happy, sad, surprised or concerned; strength 0 to 1.  [default: friendly:0.5]",
    ),
]


@dataclass(frozen=True, slots=True)
class Job:
    """Where a video goes, and what goes with it."""

    output: Path
    motion: Path | None
    as_json: bool

    def check(self, settings: Settings, *inputs: Path | str | None) -> None:
        """See that all can be written, and that it destroys nothing that is read; raises what stands against it."""
        from visavis.playback.motion_file import check_motion
        from visavis.playback.mp4 import check_output

        taken = {Path(each).resolve() for each in inputs if each is not None}
        for place in (self.output, self.motion):
            if place is not None and place.resolve() in taken:
                raise BadInput(f"'{place}' is in use for something else here: choose another name to write to")
            if place is not None:
                taken.add(place.resolve())
        check_output(self.output, settings.codec)
        if self.output.suffix.lower() == ".webm" and settings.codec == "h264" and "codec" in settings.model_fields_set:
            raise BadInput(f"'{self.output.name}' cannot hold H.264: end its name in .mp4, or choose --codec vp9")
        if self.motion is not None:
            check_motion(self.motion)

    def say(self, text: str) -> None:
        """A line for a person; a program reads the JSON at the end instead."""
        if not self.as_json:
            typer.echo(text)


class _Question(TyperCommand):
    """Knows that a question may begin with a dash, and says how to ask it then."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        try:
            return list(super().parse_args(ctx, args))
        except TyperException:
            for text in given:
                if text.startswith("-") and (" " in text or text[1:2].isdigit()):
                    remedy = f"visavis ask -- {shlex.quote(text)}"
                    raise BadInput(f"a question that begins with a dash goes behind two: {remedy}") from None
            raise


@app.command(
    cls=_Question,
    epilog=examples(
        "visavis ask 'What is the moon made of?'",
        "visavis ask question.wav -a me.jpg -o me.mp4",
        "visavis ask 'What makes you laugh?' --emotion happy:0.7",
    ),
)
def ask(
    question: Annotated[str, typer.Argument(help="What you ask: text, or an audio file (wav, mp3, flac, ogg, …).")],
    avatar: AvatarOption = None,
    output: OutputOption = Path("answer.mp4"),
    voice: Annotated[str | None, typer.Option("--voice", help="A voice; the avatar's own otherwise.")] = None,
    language: Annotated[str | None, typer.Option("--language", help="As in en or de.  [default: en]")] = None,
    llm: Annotated[str | None, typer.Option("--llm", help="The language model's engine.  [default: auto]")] = None,
    llm_url: Annotated[str | None, typer.Option("--llm-url", help="An OpenAI-compatible server instead.")] = None,
    tts: Annotated[str | None, typer.Option("--tts", help="The voice's engine.  [default: auto]")] = None,
    emotion: EmotionOption = None,
    motion: MotionOption = None,
    size: SizeOption = None,
    fps: FpsOption = None,
    codec: CodecOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask, and get a video of a face that answers aloud."""
    override(voice=voice, language=language, llm=llm, llm_url=llm_url, tts=tts, emotion=emotion)
    override(size=size, fps=fps, codec=codec)
    asyncio.run(_ask(question, avatar, Job(output, motion, as_json)))


@app.command(
    epilog=examples(
        "visavis animate speech.mp3 -a me.jpg -o me.mp4",
        "visavis animate speech.mp3 --emotion sad:0.6",
        "visavis animate --idle 10 --state listening -o listening.mp4",
    )
)
def animate(
    speech: Annotated[
        Path | None,
        typer.Argument(help="Speech in any language: wav, mp3, flac, ogg, m4a, webm, …", show_default=False),
    ] = None,
    avatar: AvatarOption = None,
    output: OutputOption = Path("speech.mp4"),
    emotion: EmotionOption = None,
    idle: Annotated[
        float | None,
        typer.Option(
            "--idle", metavar="SECONDS", min=0.2, max=600, help="A silent video of this length, without SPEECH."
        ),
    ] = None,
    state: Annotated[
        Literal["idle", "listening", "thinking"] | None,
        typer.Option("--state", help="What the face does in it.  [default: idle]"),
    ] = None,
    motion: MotionOption = None,
    size: SizeOption = None,
    fps: FpsOption = None,
    codec: CodecOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a face speak a recording, its lips moved by the sound alone.

    With --idle instead of a recording, it is silent, and lives.
    """
    override(emotion=emotion, size=size, fps=fps, codec=codec)
    job = Job(output, motion, as_json)
    if speech is None and idle is None:
        raise BadInput("name a recording to speak, or a length in seconds to be silent for, as in --idle 10")
    if speech is not None and (idle is not None or state is not None):
        raise BadInput("a face that speaks is not idle: leave out the recording, or --idle and --state")
    asyncio.run(_animate(idle or 0.0 if speech is None else speech, state or "idle", avatar, job))


async def _ask(question: str, avatar_name: str | None, job: Job) -> None:
    from visavis.cli.progress import bar
    from visavis.conversation.history import History
    from visavis.conversation.language import check_script
    from visavis.conversation.question import as_file, check_recording, check_text, transcribe
    from visavis.conversation.reply import reply
    from visavis.conversation.spoken import warm
    from visavis.engines.loading import check_voice, load_engines
    from visavis.settings import load_settings

    settings = load_settings()
    spoken = as_file(question)
    job.check(settings, spoken, avatar_name)
    if spoken is None:
        check_script(check_text(question), settings.language)
    else:
        check_recording(spoken)
    slots: list[Slot] = ["llm", "tts", "articulation", "animation", *(("vad", "asr") if spoken else ())]
    if settings.voice is not None:
        check_voice(settings.voice, settings)
    chosen = _chosen(slots, settings)
    avatar = await _avatar(avatar_name, settings)
    settings = _with_voice(avatar, _as(avatar_name, avatar, settings))
    chosen |= _chosen(["tts"], settings)  # of the synthesizers, the one that has the avatar's voice
    _introduce(job, settings, chosen)
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
        with _told(job) as told, bar("speaking", None, "s") if job.as_json else nullcontext(_unseen) as progress:
            written = await _write(clips, job, settings, progress, told)
    job.say(f"video:  {written.path} ({written.duration:.1f} s, made in {time.perf_counter() - asked:.1f} s)")
    if job.as_json:
        facts = {
            "heard": heard,
            "answer": " ".join(told.sentences),
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


async def _animate(speech: Path | float, state: State, avatar_name: str | None, job: Job) -> None:
    """`speech` is a recording, or seconds of silence to spend in a state."""
    from visavis.cli.progress import bar
    from visavis.conversation.animate import animate as animated
    from visavis.conversation.idle import idling
    from visavis.conversation.recording import recording
    from visavis.conversation.rests import rested
    from visavis.engines.loading import load_engines
    from visavis.engines.protocols import Rendering
    from visavis.media.codecs import probe_audio
    from visavis.media.mood import Mood
    from visavis.settings import load_settings

    settings = load_settings()
    spoken = speech if isinstance(speech, Path) else None
    job.check(settings, spoken, avatar_name)
    total = speech if isinstance(speech, float) else probe_audio(speech)
    slots: list[Slot] = ["articulation", "animation"]
    chosen = _chosen(slots, settings)
    avatar = await _avatar(avatar_name, settings)
    _introduce(job, settings, chosen)
    begun = time.perf_counter()
    async with load_engines(settings, slots) as engines:
        rendering = Rendering(settings.size, Fraction(settings.fps))
        face = avatar, engines.articulation, engines.animation, rendering
        mood = Mood.of(settings.emotion)
        if isinstance(speech, float):
            clips = idling(speech, *face, mood.doing(state))
        else:
            clips = animated(rested(recording(speech)), *face, mood=mood)
        with bar("speaking", total, "s") as progress:
            written = await _write(clips, job, settings, progress)
    job.say(f"video:  {written.path} ({written.duration:.1f} s, made in {time.perf_counter() - begun:.1f} s)")
    if job.as_json:
        facts = {"video": str(written.path), "motion": job.motion and str(job.motion), "frames": written.frames}
        typer.echo(json.dumps(facts | {"seconds": round(written.duration, 3)}, indent=2))


def _chosen(slots: Collection[Slot], settings: Settings) -> dict[Slot, EngineInfo]:
    """The engines to use, with what they and the making of avatars need fetched for the first time."""
    from visavis.cli.models import fetch_missing
    from visavis.engines.registry import check_named, choose, wanted_weights

    for slot in slots:
        check_named(slot, settings)  # before a download
    fetch_missing(wanted_weights(slots, settings))
    return {slot: choose(slot, settings).info for slot in slots}


def _introduce(job: Job, settings: Settings, chosen: Mapping[Slot, EngineInfo]) -> None:
    """Say in one line what is used."""
    from visavis.engines.registry import speaks

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


def _as(asked: str | None, avatar: Avatar, settings: Settings) -> Settings:
    """The settings under which an avatar that was asked for by its name introduces itself by it.

    A face from a file has no name of its own, and one like "me" is none to say aloud.
    """
    from visavis.settings import SYSTEM_PROMPT, introduction

    spoken = re.sub(r"[-_]+", " ", avatar.name)
    sayable = re.fullmatch(r"[A-Za-z]{3,}( [A-Za-z]+)*", spoken) is not None
    if asked is None or asked.lower() != avatar.name.lower() or not sayable or settings.system_prompt != SYSTEM_PROMPT:
        return settings
    return settings.model_copy(update={"system_prompt": introduction(spoken.title())})


def _with_voice(avatar: Avatar, settings: Settings) -> Settings:
    """The settings with the avatar's own voice, where none is asked for and one here can say this language with it."""
    from visavis.avatars.builtins import BUILTINS
    from visavis.conversation.reply import own_voice
    from visavis.engines.loading import usable_voices

    if avatar.voice is None or settings.voice is not None:
        return settings
    if (voice := own_voice(avatar, usable_voices(settings), settings.language)) is not None:
        return settings.model_copy(update={"voice": voice})
    if avatar.name in BUILTINS:
        return settings  # theirs is a suggestion
    lack = f"{avatar.name}'s own voice '{avatar.voice}' cannot be had here for '{settings.language}'"
    typer.echo(f"note: {lack}: another speaks; --voice names one", err=True)
    return settings


def _manner(settings: Settings) -> Manner:
    from visavis.conversation.reply import Manner
    from visavis.engines.protocols import Rendering, Sampling
    from visavis.media.mood import Mood

    return Manner(
        sampling=Sampling(max_tokens=settings.max_tokens, temperature=settings.temperature),
        rendering=Rendering(settings.size, Fraction(settings.fps)),
        language=settings.language,
        voice=settings.voice,
        speed=settings.speed,
        rests=True,
        mood=Mood.of(settings.emotion),
    )


async def _write(
    clips: Stream[Clip],
    job: Job,
    settings: Settings,
    progress: Callable[[float], None],
    *takers: Callable[[Clip], None],
) -> Written:
    """Write the clips, and their motion where it is asked for; the takers are shown every clip."""
    from visavis.playback.motion_file import MotionWriter
    from visavis.playback.mp4 import write_mp4
    from visavis.playback.noted import noted

    fps = Fraction(settings.fps)
    with MotionWriter(job.motion, fps) as motion:
        seen = noted(clips, motion.add, *takers)
        return await write_mp4(seen, job.output, fps=fps, codec=settings.codec, progress=progress)


def _unseen(seconds: float) -> None:
    """No bar: the answer itself shows how far it is, and a bar would be drawn over it."""


@dataclass(slots=True)
class _Told:
    """The answer's sentences, shown to a person as they are made."""

    shown: bool
    sentences: list[str] = field(default_factory=list)

    def __call__(self, clip: Clip) -> None:
        if not clip.text:
            return
        if self.shown:
            typer.echo((" " if self.sentences else "answer: ") + clip.text, nl=False)
        self.sentences.append(clip.text)


@contextmanager
def _told(job: Job) -> Generator[_Told, None, None]:
    told = _Told(shown=not job.as_json)
    try:
        yield told
    finally:
        if told.shown and told.sentences:
            typer.echo()
