"""What commands that write a video share: their options, and finding, choosing, checking and writing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.errors import BadInput
from visavis.streams.flow import Stream

if TYPE_CHECKING:
    from visavis.avatars.avatar import Avatar
    from visavis.engines.protocols import EngineInfo, Slot
    from visavis.media.clip import Clip
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
AnimatorOption = Annotated[
    str | None,
    typer.Option(
        "--animator",
        metavar="NAME",
        help="Who draws the face: rig, wav2lip or wav2lip+gfpgan (`visavis models add`).  [default: auto]",
    ),
]
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


def chosen_engines(slots: Collection[Slot], settings: Settings) -> dict[Slot, EngineInfo]:
    """The engines to use, with what they and the making of avatars need fetched for the first time."""
    from visavis.cli.models import fetch_missing
    from visavis.engines.registry import check_named, choose, wanted_weights

    for slot in slots:
        check_named(slot, settings)  # before a download
    fetch_missing(wanted_weights(slots, settings))
    return {slot: choose(slot, settings).info for slot in slots}


def introduce(job: Job, settings: Settings, chosen: Mapping[Slot, EngineInfo]) -> None:
    """Say in one line what is used."""
    from visavis.engines.registry import speaks

    if "llm" in chosen and not speaks(chosen["llm"], settings.language):
        known = ", ".join(chosen["llm"].languages)
        typer.echo(
            f"note: {chosen['llm'].name} answers in {known} only; --llm-url names a server that knows more", err=True
        )
    used = [f"{info.name} ({slot}{_place(slot, info, settings)})" for slot, info in chosen.items()]
    if settings.animation_url:
        used.append(f"the videos of {settings.animation_url}")
    job.say("using:  " + ", ".join(used))


def _place(slot: Slot, info: EngineInfo, settings: Settings) -> str:
    """Where an engine asks a server, as words after its slot."""
    url = getattr(settings, f"{slot}_url", None)
    return f" at {url}" if url and info.name == "openai" else ""


async def find_avatar(name: str | None, settings: Settings) -> Avatar:
    """The avatar that is meant, made now if it is a picture or a video, with what to know of its making said."""
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


def with_voice(avatar: Avatar, settings: Settings) -> Settings:
    """The settings with the avatar's own voice, where none is asked for and one here can say this language with it.

    It is said where there is none. What a built-in avatar brings along is a suggestion, for the synthesizer in use.
    """
    from visavis.avatars.builtins import BUILTINS
    from visavis.conversation.reply import own_voice
    from visavis.engines.loading import usable_voices
    from visavis.engines.registry import choose

    if avatar.voice is None or settings.voice is not None:
        return settings
    suggested = avatar.name in BUILTINS and avatar.voice == BUILTINS[avatar.name].voice
    voices = choose("tts", settings).engine(settings).voices() if suggested else usable_voices(settings)
    if (voice := own_voice(avatar, voices, settings.language)) is not None:
        return settings.model_copy(update={"voice": voice})
    if not suggested:
        lack = f"{avatar.name}'s own voice '{avatar.voice}' cannot be had here for '{settings.language}'"
        typer.echo(f"note: {lack}: another speaks; --voice names one", err=True)
    return settings


async def write(
    clips: Stream[Clip],
    job: Job,
    settings: Settings,
    progress: Callable[[float], None],
    *takers: Callable[[Clip], None],
    made_by: str = "",
) -> Written:
    """Write the clips, and their motion where it is asked for; the takers are shown every clip.

    `made_by`: whose work the video is, for its tags.
    """
    from visavis.playback.motion_file import MotionWriter
    from visavis.playback.mp4 import write_mp4
    from visavis.streams.noted import noted

    fps = Fraction(settings.fps)
    with MotionWriter(job.motion, fps) as motion:
        seen = noted(clips, motion.add, *takers)
        tags = {"comment": made_by} if made_by else {}
        return await write_mp4(seen, job.output, fps=fps, codec=settings.codec, metadata=tags, progress=progress)
