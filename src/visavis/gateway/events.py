"""What the page and the server say to each other over one WebSocket: text messages are these events as JSON.

Sound, pictures and motion are binary messages (`media_header`). Times on the media clock are samples at 48 kHz since
the session began. Unknown fields and types are refused with an `error`, the connection stays. docs/protocol.md is
written from this file.
"""

from __future__ import annotations

import struct
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

VERSION = 1
"""Of this schema. A page of another version is told to reload."""

HEADER = struct.Struct("<BxHId")
"""Every binary message begins with it: kind (u8), a zero, epoch (u16), count (u32), start (f64); little-endian."""
SOUND, PICTURE, MOTION = 1, 2, 3
"""Kinds. SOUND: mono s16le, `count` samples; from the server at 48 kHz and on the media clock, from the page at the
rate of its last `microphone` and counted from when that was sent. PICTURE: one JPEG that appears at `start`; `count`
is its number. MOTION: `count` rows, the first at `start`, MOTION_RATE a second, of float32: ARKit's 52 curves in
their order, pitch, yaw, roll (rad), x, y, z (interocular distances), tongue_raise, breath."""
MOTION_RATE = 50
"""Hertz."""


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Name = Annotated[str, Field(min_length=1, max_length=80)]


# ---- from the page


class Hello(_Event):
    """The first message of a connection."""

    type: Literal["hello"] = "hello"
    version: int
    resume: str | None = Field(None, max_length=200, description="the `resume` of a `welcome` at most 30 s lost")
    media: Literal["pictures", "motion"] = Field("pictures", description="what the page wants beside sound")
    avatar: Name | None = None
    voice: Name | None = None
    size: int | None = Field(
        None, ge=128, le=1024, multiple_of=2, description="pixels of a picture's longer side, no more than the server's"
    )


class Microphone(_Event):
    """The microphone is open (muted is closed); `rate` is that of the sound that follows."""

    type: Literal["microphone"] = "microphone"
    open: bool
    rate: int = Field(48_000, ge=8_000, le=96_000, description="hertz")


class Talk(_Event):
    """Push-to-talk: the key goes down and an utterance begins; it comes up and the utterance has ended."""

    type: Literal["talk"] = "talk"
    down: bool


class Text(_Event):
    """A typed question; interrupts an answer."""

    type: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=2_000)


class Interrupt(_Event):
    """Stop the answer."""

    type: Literal["interrupt"] = "interrupt"


class Configure(_Event):
    """Change what is given, from the next moment (voice: from the next answer) on."""

    type: Literal["configure"] = "configure"
    avatar: Name | None = None
    voice: Name | None = None
    animator: Name | None = None
    emotion: str | None = Field(None, max_length=40, description="as in happy:0.7")
    half_duplex: bool | None = Field(None, description="do not listen while speaking: for loudspeakers")
    push_to_talk: bool | None = Field(None, description="listen only while `talk` is down")
    transport: Literal["websocket", "webrtc"] | None = Field(
        None, description="websocket: sound and pictures as binary messages; webrtc: after an `answer` has connected"
    )


class Offer(_Event):
    """A WebRTC offer with all its candidates: sendrecv audio, recvonly video."""

    type: Literal["offer"] = "offer"
    sdp: str = Field(max_length=65_536)


class Played(_Event):
    """What the page hears and shows, twice a second, and at once after a `flush` (with its epoch)."""

    type: Literal["played"] = "played"
    position: float = Field(ge=0, description="media time that is heard now")
    epoch: int = Field(0, ge=0, le=65_535)
    skew: float | None = Field(None, description="seconds by which sound is later than its picture")
    shown: int = Field(0, ge=0, description="pictures shown since the connection began")
    dropped: int = Field(0, ge=0, description="pictures that came too late to be shown")
    stalled: int = Field(0, ge=0, description="times that the sound ran out")


class Shown(_Event):
    """The first picture of an answer is on the screen and its sound is heard."""

    type: Literal["shown"] = "shown"
    turn: int = Field(ge=0)
    waited: float | None = Field(None, ge=0, description="seconds since the last voiced sample left the microphone")


class Ping(_Event):
    """Answered by a `pong` at once."""

    type: Literal["ping"] = "ping"
    sent: float


PageEvent = Annotated[
    Hello | Microphone | Talk | Text | Interrupt | Configure | Offer | Played | Shown | Ping,
    Field(discriminator="type"),
]
page_event: TypeAdapter[PageEvent] = TypeAdapter(PageEvent)


# ---- from the server


class Said(_Event):
    """One message of the conversation so far."""

    role: Literal["user", "assistant"]
    text: str


class Choice(_Event):
    """An avatar, a voice or an animator that can be asked for."""

    name: str
    about: str = ""


class EngineUsed(_Event):
    """An engine that has a part in the answers, and under which licence."""

    slot: str
    name: str
    model: str | None = Field(description="of those that have one by name")
    about: str
    licence: str = Field(description="SPDX expression, or a few words: of the engine with its weights")
    commercial: bool = Field(description="whether that allows commercial use, as far as it tells")


class Welcome(_Event):
    """The session has begun, or goes on (`resumed`). Media follow at once."""

    type: Literal["welcome"] = "welcome"
    version: int = VERSION
    session: str = Field(description="an id for logs; opens nothing")
    resume: str = Field(description="a secret: say it in `hello` to go on after a lost connection")
    resumed: bool = False
    start: float = Field(description="media time of the first sample that follows")
    epoch: int = 0
    fps: int
    avatar: str
    voice: str
    avatars: list[Choice]
    voices: list[Choice]
    animator: str
    animators: list[Choice] = Field(description="what can draw the face here")
    engines: list[EngineUsed]
    emotion: str
    hears: bool = Field(description="whether there is a recogniser for the language: if not, questions are typed")
    language: str
    webrtc: bool = Field(description="whether the server can do WebRTC")
    max_upload: int = Field(description="bytes of a picture or video for an avatar")
    history: list[Said] = []


class Busy(_Event):
    """All places are taken: `before` are waiting before you. A `welcome` follows when it is your turn."""

    type: Literal["busy"] = "busy"
    before: int


class State(_Event):
    """What the avatar is doing. `held`: it stopped because somebody spoke, and may go on."""

    type: Literal["state"] = "state"
    state: Literal["idle", "listening", "thinking", "speaking", "held"]


class Heard(_Event):
    """What the person says, so far (`final`: that was the question of this turn)."""

    type: Literal["heard"] = "heard"
    turn: int
    text: str
    final: bool
    ended: float | None = Field(None, description="of a final one: the last voiced sample, on the microphone's clock")


class SpokenWord(_Event):
    """A word of the answer."""

    text: str
    start: float = Field(description="media time")
    end: float


class Spoken(_Event):
    """Words that are about to be heard; `text` is their sentence as it is written, with its first words."""

    type: Literal["spoken"] = "spoken"
    turn: int
    sentence: int
    text: str = ""
    start: float = Field(description="media time at which this piece begins")
    words: list[SpokenWord]
    index: int = Field(description="of the first of them in the answer: one that goes on after a hold repeats a word")
    epoch: int


class Flush(_Event):
    """Nothing that was to be heard, seen or read after `position` will be: drop it now. `epoch` follows."""

    type: Literal["flush"] = "flush"
    position: float
    epoch: int


class Answered(_Event):
    """An answer is over. `text` is what was heard of it."""

    type: Literal["answered"] = "answered"
    turn: int
    text: str
    interrupted: bool
    video: str | None = Field(None, description="where the answer can be fetched as an MP4")


class Timings(_Event):
    """Seconds from the end of the question to each stage of a turn; None: it never came to that."""

    type: Literal["timings"] = "timings"
    turn: int
    endpoint: float | None = Field(None, description="it was decided that the question had ended")
    transcript: float | None = None
    word: float | None = Field(None, description="the model's first")
    audio: float | None = Field(None, description="the voice's first")
    sent: float | None = Field(None, description="the first picture with sound left the server")
    shown: float | None = Field(None, description="and was shown")


class Configured(_Event):
    """What is in force after a `configure`."""

    type: Literal["configured"] = "configured"
    avatar: str
    voice: str
    animator: str
    emotion: str
    half_duplex: bool
    push_to_talk: bool
    transport: Literal["websocket", "webrtc"]


class Equipped(_Event):
    """Other ears, another mind or voice took over: from the next utterance on, and the next answer."""

    type: Literal["equipped"] = "equipped"
    slots: list[Literal["asr", "turn", "llm", "tts"]] = Field(description="what has changed")
    voice: str
    voices: list[Choice] = Field(description="all that there are now")
    engines: list[EngineUsed]


class Answer(_Event):
    """The WebRTC answer to an `offer`."""

    type: Literal["answer"] = "answer"
    sdp: str


class Clock(_Event):
    """By WebRTC: the picture with this RTP time belongs to media time `position`, and those after it go on from there,
    until another `clock`."""

    type: Literal["clock"] = "clock"
    rtp: int = Field(ge=0, lt=1 << 32, description="90 kHz")
    position: float


class Error(_Event):
    """Something could not be done; `message` says what to do. After a `fatal` one the connection closes."""

    type: Literal["error"] = "error"
    code: Literal["bad_message", "bad_input", "engine", "rate", "version", "idle", "expired", "internal"]
    message: str
    fatal: bool = False


class Pong(_Event):
    """The answer to a `ping`."""

    type: Literal["pong"] = "pong"
    sent: float


ServerEvent = Annotated[
    Welcome
    | Busy
    | State
    | Heard
    | Spoken
    | Flush
    | Answered
    | Timings
    | Configured
    | Equipped
    | Answer
    | Clock
    | Error
    | Pong,
    Field(discriminator="type"),
]
server_event: TypeAdapter[ServerEvent] = TypeAdapter(ServerEvent)


def media_header(kind: int, epoch: int, count: int, start: float) -> bytes:
    """The 16 bytes before a binary message's payload."""
    return HEADER.pack(kind, epoch, count, start)
