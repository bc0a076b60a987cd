"""`visavis ask`: a question to a video of a face that answers."""

from __future__ import annotations

import asyncio
import json
import shlex
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from visavis.cli.app import app, examples, override
from visavis.cli.job import (
    AnimatorOption,
    AvatarOption,
    CodecOption,
    EmotionOption,
    FpsOption,
    Job,
    JsonOption,
    MotionOption,
    OutputOption,
    SizeOption,
    chosen_engines,
    find_avatar,
    introduce,
    with_voice,
    write,
)
from visavis.errors import BadInput

if TYPE_CHECKING:
    from visavis.engines.protocols import Slot
    from visavis.media.clip import Clip


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
    animator: AnimatorOption = None,
    emotion: EmotionOption = None,
    motion: MotionOption = None,
    size: SizeOption = None,
    fps: FpsOption = None,
    codec: CodecOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask, and get a video of a face that answers aloud."""
    override(voice=voice, language=language, llm=llm, llm_url=llm_url, tts=tts, emotion=emotion)
    override(animation=animator, size=size, fps=fps, codec=codec)
    asyncio.run(_ask(question, avatar, Job(output, motion, as_json)))


async def _ask(question: str, avatar_name: str | None, job: Job) -> None:
    from visavis.cli.progress import bar
    from visavis.conversation.history import History
    from visavis.conversation.language import check_script
    from visavis.conversation.naming import system_prompt
    from visavis.conversation.question import as_file, check_recording, check_text, transcribe
    from visavis.conversation.reply import Manner, reply
    from visavis.conversation.spoken import warm
    from visavis.engines.loading import check_voice, load_engines
    from visavis.engines.used import credits, records, used
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
    chosen = chosen_engines(slots, settings)
    avatar = await find_avatar(avatar_name, settings)
    settings = with_voice(avatar, settings)
    chosen |= chosen_engines(["tts"], settings)  # of the synthesizers, the one that has the avatar's voice
    introduce(job, settings, chosen)
    begun = time.perf_counter()
    warming = asyncio.ensure_future(asyncio.to_thread(warm))  # beside the engines, before the first number is said
    async with load_engines(settings, slots) as engines:
        await warming
        loaded = time.perf_counter()
        heard = question if spoken is None else await transcribe(spoken, engines, settings.language)
        if spoken is not None:
            job.say(f"heard:  {heard}")
        asked = time.perf_counter()
        by_name = avatar_name is not None and avatar_name.lower() == avatar.name.lower()
        history = History.begin(system_prompt(settings, avatar.name if by_name else None)).asked(heard)
        clips = reply(history, engines, avatar, replace(Manner.of(settings), rests=True))
        with _told(job) as told, bar("speaking", None, "s") if job.as_json else nullcontext(_unseen) as progress:
            made = used(engines, slots)
            written = await write(clips, job, settings, progress, told, made_by=credits(made))
    job.say(f"video:  {written.path} ({written.duration:.1f} s, made in {time.perf_counter() - asked:.1f} s)")
    if job.as_json:
        facts = {
            "heard": heard,
            "answer": " ".join(told.sentences),
            "video": str(written.path),
            "motion": job.motion and str(job.motion),
            "seconds": round(written.duration, 3),
            "frames": written.frames,
            "engines": records(made),
            "timings": {
                "loading": round(loaded - begun, 3),
                "listening": round(asked - loaded, 3),
                "answering": round(time.perf_counter() - asked, 3),
            },
        }
        typer.echo(json.dumps(facts, indent=2))


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
