"""The bodies that OPEA's services send each other, in both of their forms: v1.1 (the RFC's own) and v1.2 on.

Both are served at once: which one a request means follows from the keys it has. Unknown keys are ignored, as there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator


def new_id() -> str:
    """32 hexadecimal digits, as documents are named."""
    return uuid.uuid4().hex


_FACE = "an avatar's name, or a picture or video as base64"
_ANIMATOR = "who draws the face: an engine's name"
_STREAM = "the video itself, as fragmented MP4, while it is made"


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")

    @field_validator("*", mode="before")
    @classmethod
    def _has_whole_characters(cls, value: Any) -> Any:
        """JSON can spell half of a character (`\\ud800`), which cannot be said, answered, or sent back."""
        try:
            for text in _texts(value):
                if not text.isascii():
                    text.encode()
        except UnicodeEncodeError:
            raise ValueError("half of a character is in it (a surrogate without the other): send whole ones") from None
        return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


# ---- sound


class Base64Audio(_Body):
    """v1.1: sound for a recogniser or an animator, out of a synthesizer."""

    id: str | None = None
    byte_str: str = Field(description="base64 of any sound file")


class Audio(_Body):
    """What the backends of a recogniser and of an animator take."""

    audio: str = Field(description="base64 of any sound file")


# ---- questions and answers


class Passage(_Body):
    """Something found."""

    text: str


class Animate(Base64Audio):
    """Sound that a face is to speak."""

    face: str | None = Field(None, description=_FACE)
    animator: str | None = Field(None, description=_ANIMATOR)
    stream: bool | None = Field(None, description=_STREAM)


class Wav2Lip(Audio):
    """The same for its backend."""

    face: str | None = Field(None, description=_FACE)
    animator: str | None = Field(None, description=_ANIMATOR)
    stream: bool | None = Field(None, description=_STREAM)


class LLMParams(_Body):
    """v1.1: a question and how to answer it; what a recogniser returns, too."""

    id: str | None = Field(default_factory=new_id)
    model: str | None = None
    query: str
    max_tokens: int = 1024
    max_new_tokens: int = 1024
    top_k: int | None = 10
    top_p: float | None = 0.95
    typical_p: float | None = 0.95
    temperature: float | None = 0.01
    frequency_penalty: float | None = 0.0
    presence_penalty: float | None = 0.0
    repetition_penalty: float | None = 1.03
    streaming: bool = True
    language: str | None = "auto"
    chat_template: str | None = None
    documents: list[str | Passage] | None = []


class Query(LLMParams):
    """The same as a request, by either name of the flag to stream. `stream` asks for the answers of v1.2 on."""

    stream: bool | None = None


class Answer(_Body):
    """v1.1: a whole answer."""

    id: str = Field(default_factory=new_id)
    text: str
    prompt: str


class Said(_Body):
    """A message of a conversation, as OpenAI writes it."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[dict[str, Any]] | None = ""


class Chat(_Body):
    """OpenAI's chat request; `messages` may be one string, which is answered as a completion."""

    messages: str | Annotated[list[Said], Field(min_length=1)]
    model: str | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(0.01, ge=0.0, le=2.0)
    top_p: float | None = Field(None, gt=0.0, le=1.0)
    stop: str | list[str] | None = None
    stream: bool | None = None
    streaming: bool | None = None
    stream_options: dict[str, Any] | None = None
    documents: list[str | Passage] | None = None


class Completion(_Body):
    """OpenAI's older request."""

    prompt: str
    model: str | None = None
    max_tokens: int | None = Field(16, ge=1)
    temperature: float | None = Field(1.0, ge=0.0, le=2.0)
    top_p: float | None = Field(None, gt=0.0, le=1.0)
    stop: str | list[str] | None = None
    stream: bool | None = None


class Found(_Body):
    """A question with what a retriever found for it."""

    initial_query: str
    retrieved_docs: list[Passage]


def _kind_of_chat(body: Any) -> str:
    keys = body if isinstance(body, dict) else {}
    return "query" if "query" in keys else "found" if "initial_query" in keys else "chat"


AnyChat = Annotated[
    Annotated[Query, Tag("query")] | Annotated[Found, Tag("found")] | Annotated[Chat, Tag("chat")],
    Discriminator(_kind_of_chat),
]
"""Told apart by the key that only one of them needs; `query` wins over `messages`, as in OPEA."""


class GenerateParameters(_Body):
    """TGI's, as far as they are kept."""

    max_new_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0.0, le=2.0)
    top_p: float | None = Field(None, gt=0.0, le=1.0)
    stop: list[str] | None = None
    return_full_text: bool | None = None


class Generate(_Body):
    """TGI's own request."""

    inputs: str
    parameters: GenerateParameters = GenerateParameters()
    stream: bool = False


# ---- speech


class Text(_Body):
    """v1.1: text to say."""

    id: str | None = None
    text: str | list[str]


class Speech(_Body):
    """OpenAI's request for speech. Without a `response_format` WAV comes, as from OPEA, and not MP3."""

    input: str
    model: str | None = None
    voice: str | None = "default"
    response_format: Literal["wav", "mp3", "opus", "flac", "aac", "pcm"] | None = None
    speed: float = Field(1.0, ge=0.25, le=4.0)
    stream: bool | None = Field(None, description="WAV, too, while it is spoken; other formats always come so")


def _kind_of_speech(body: Any) -> str:
    return "text" if isinstance(body, dict) and "text" in body and "input" not in body else "input"


AnySpeech = Annotated[
    Annotated[Speech, Tag("input")] | Annotated[Text, Tag("text")],
    Discriminator(_kind_of_speech),
]
"""Told apart by the key that only one of them needs."""


class Say(_Body):
    """What the backend of a synthesizer takes."""

    text: str
    voice: str | None = "default"


# ---- all of it


class AvatarChat(_Body):
    """A question to a face: OPEA's AudioChatCompletionRequest, and what its users missed in it."""

    audio: str | None = Field(None, description="base64 of any sound file")
    text: str | None = Field(None, description="or the question as text")
    messages: str | list[Said] | None = Field(None, description="the same: the last one of the user counts")
    max_tokens: int | None = Field(1024, ge=0)
    temperature: float | None = Field(None, ge=0.0, le=2.0)
    top_p: float | None = Field(None, gt=0.0, le=1.0)
    voice: str | None = "default"
    language: str | None = Field(None, description="of the question and the answer, as in en or de")
    face: str | None = Field(None, description=_FACE)
    animator: str | None = Field(None, description=_ANIMATOR)
    stream: bool | None = Field(None, description=_STREAM)
    response_format: Literal["object"] | None = Field(None, description="object: with transcript, text and timings")
