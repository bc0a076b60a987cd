"""`visavis animate`: speech, or silence, to a video of a face."""

from __future__ import annotations

import asyncio
import json
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

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
    write,
)
from visavis.errors import BadInput

if TYPE_CHECKING:
    from visavis.engines.protocols import Slot
    from visavis.media.mood import State


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
    animator: AnimatorOption = None,
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
    override(animation=animator, emotion=emotion, size=size, fps=fps, codec=codec)
    job = Job(output, motion, as_json)
    if speech is None and idle is None:
        raise BadInput("name a recording to speak, or a length in seconds to be silent for, as in --idle 10")
    if speech is not None and (idle is not None or state is not None):
        raise BadInput("a face that speaks is not idle: leave out the recording, or --idle and --state")
    asyncio.run(_animate(idle or 0.0 if speech is None else speech, state or "idle", avatar, job))


async def _animate(speech: Path | float, state: State, avatar_name: str | None, job: Job) -> None:
    """`speech` is a recording, or seconds of silence to spend in a state."""
    from visavis.cli.progress import bar
    from visavis.conversation.animate import animate as animated
    from visavis.conversation.idle import idling
    from visavis.conversation.recording import recording
    from visavis.conversation.rests import rested
    from visavis.engines.loading import load_engines
    from visavis.engines.protocols import Rendering
    from visavis.engines.used import credits, records, used
    from visavis.media.codecs import probe_audio
    from visavis.media.mood import Mood
    from visavis.settings import load_settings

    settings = load_settings()
    spoken = speech if isinstance(speech, Path) else None
    job.check(settings, spoken, avatar_name)
    total = speech if isinstance(speech, float) else probe_audio(speech)
    slots: list[Slot] = ["articulation", "animation"]
    chosen = chosen_engines(slots, settings)
    avatar = await find_avatar(avatar_name, settings)
    introduce(job, settings, chosen)
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
            made = used(engines, slots)
            written = await write(clips, job, settings, progress, made_by=credits(made))
    job.say(f"video:  {written.path} ({written.duration:.1f} s, made in {time.perf_counter() - begun:.1f} s)")
    if job.as_json:
        facts: dict[str, object] = {
            "video": str(written.path),
            "motion": job.motion and str(job.motion),
            "frames": written.frames,
        }
        facts |= {"seconds": round(written.duration, 3), "engines": records(made)}
        typer.echo(json.dumps(facts, indent=2))
