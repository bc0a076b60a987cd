"""`visavis models preview`: what a voice sounds like."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli.app import examples
from visavis.cli.models import fetch_missing, models
from visavis.errors import BadInput, OutputFailed

if TYPE_CHECKING:
    from visavis.media.audio import Audio


@models.command(
    epilog=examples("visavis models preview en-gb", "visavis models preview de --text 'Guten Abend.' -o abend.wav")
)
def preview(
    voice: Annotated[str, typer.Argument(help="A voice, as `visavis models voices` lists it.")],
    text: Annotated[
        str, typer.Option("--text", help="What it says, in its language; a sentence of ours otherwise.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The WAV file to write.  [default: VOICE.wav]")
    ] = None,
) -> None:
    """Hear a voice: a short WAV file, in the voice's language."""
    asyncio.run(_preview(voice, text.strip(), output))


async def _preview(name: str, text: str, output: Path | None) -> None:
    from visavis.conversation.language import check_script
    from visavis.conversation.sample import sample
    from visavis.engines.loading import check_voice, usable_voices
    from visavis.engines.registry import choose, wanted_weights
    from visavis.settings import load_settings

    settings = load_settings()
    name = check_voice(name, settings)
    voice = next(each for each in usable_voices(settings) if each.name == name)
    settings = settings.model_copy(update={"voice": voice.name, "language": voice.language})
    if text and not any(c.isalnum() for c in text):
        raise BadInput("there is nothing to say: the text has no words in it")
    check_script(text, voice.language)
    path = output or Path(f"{voice.name}.wav")
    if path.suffix.lower() != ".wav":
        raise BadInput(f"'{path.name}' is not written: a preview is a WAV file, whose name ends in .wav")
    if not path.resolve().parent.is_dir():
        raise OutputFailed(f"cannot write {path}: there is no folder {path.parent}")
    fetch_missing(wanted_weights(["tts"], settings))
    chosen = choose("tts", settings)
    async with chosen.engine(settings) as tts:
        audio = await sample(tts, voice, text, settings.speed)
    _write(audio, path)
    typer.echo(f"{voice.name} ({voice.language}, {chosen.info.name}): {path} ({audio.duration:.1f} s)")


def _write(audio: Audio, path: Path) -> None:
    """The whole file, or none."""
    from visavis.media.wav import wav_bytes

    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(wav_bytes(audio))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputFailed(f"cannot write {path}: {error.strerror}") from None
