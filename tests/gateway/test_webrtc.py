"""Face and voice over WebRTC: one clock, nothing stale after a flush, and pictures that survive a bad line."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import vp8_depayload
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, pack_remb_fci
from numpy.typing import NDArray

from visavis.errors import BadInput
from visavis.gateway.rtc_codecs import H264, MAX_BITRATE, MIN_BITRATE, PictureEncoder, Vp8, wrapped
from visavis.gateway.rtc_tracks import PACKET, Due, Microphone, PictureTrack, Timeline
from visavis.gateway.webrtc import Peer
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip
from visavis.media.video import Frame, frame_times

FPS = Fraction(25)
STEP = SESSION_RATE // 25
SIDE = 128
CLIP = 5 * STEP
DARK, BRIGHT = 40, 220


def plain(level: int, side: int = SIDE) -> NDArray[np.uint8]:
    return np.full((side, side, 3), level, np.uint8)


def clip(start: int, *, level: int = DARK, sound: float = 0.0, length: int = CLIP) -> Clip:
    """A clip of constant sound and grey pictures."""
    samples = np.full(length, sound, np.float32)
    times = frame_times(start, start + length, SESSION_RATE, FPS)
    return Clip(Audio(samples, SESSION_RATE, start), None, tuple(Frame(plain(level), t) for t in times))


def noted(start: int) -> Clip:
    """A clip whose first picture is bright while a burst of sound begins."""
    burst = np.zeros(CLIP, np.float32)
    burst[:STEP] = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(STEP) / SESSION_RATE)
    frames = tuple(
        Frame(plain(BRIGHT if t == start else DARK), t) for t in frame_times(start, start + CLIP, SESSION_RATE, FPS)
    )
    return Clip(Audio(burst, SESSION_RATE, start), None, frames)


class Tone(MediaStreamTrack):
    """A page's microphone: packets of a tone, as fast as real time."""

    kind = "audio"

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self._hertz = hertz
        self._sent = 0

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(PACKET / SESSION_RATE)
        times = (self._sent + np.arange(PACKET)) / SESSION_RATE
        samples = (0.5 * 32767 * np.sin(2 * np.pi * self._hertz * times)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = SESSION_RATE, self._sent, Fraction(1, SESSION_RATE)
        self._sent += PACKET
        return frame


class Page:
    """The other end, in this process. What arrives keeps the times it was sent with."""

    def __init__(self, hertz: float = 440.0) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.addTransceiver(Tone(hertz), "sendrecv")
        self.connection.addTransceiver("video", "recvonly")
        self.sound: list[av.AudioFrame] = []
        self.pictures: list[av.VideoFrame] = []
        self.lost = 0
        self.heard: list[Audio] = []
        self.offer = ""
        self.answer = ""
        self.peer: Peer
        self._changed = asyncio.Event()
        self._playing: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self, alter: Callable[[str], str] = str, *, start: int = 0) -> Peer:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        self.offer = alter(self.connection.localDescription.sdp)
        self.peer, self.answer = await Peer.open(
            self.offer, start=start, epoch=0, fps=FPS, hear=self._hear, lost=self._lose
        )
        await self.connection.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))
        arrived: list[list[Any]] = [self.sound, self.pictures]
        for receiver, into in zip(self.connection.getReceivers(), arrived, strict=True):
            receiver._RTCRtpReceiver__timestamp_mapper = _Unmapped()  # type: ignore[attr-defined]
            self._tasks.append(asyncio.ensure_future(self._receive(receiver.track, into)))
        await self.until(lambda: bool(self.sound))
        return self.peer

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            self._changed.clear()
            await self._changed.wait()

    def play_on(self, draw: Callable[[int], NDArray[np.uint8]] = lambda k: plain(DARK + k % 3)) -> None:
        """Have the peer play silence and pictures until the end."""

        async def play() -> None:
            for k in itertools.count():
                times = frame_times(k * CLIP, (k + 1) * CLIP, SESSION_RATE, FPS)
                frames = tuple(Frame(draw(t // STEP), t) for t in times)
                await self.peer.play(Clip(Audio.silence(CLIP, SESSION_RATE, k * CLIP), None, frames), 0)

        self._playing = asyncio.ensure_future(play())

    async def close(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
        await self.connection.close()
        await self.peer.close()
        await asyncio.gather(*self._tasks)

    async def report(self, **packet: Any) -> None:
        """Send RTCP about the picture."""
        receiver = self.connection.getReceivers()[1]
        assert receiver._RTCRtpReceiver__rtcp_ssrc is not None  # type: ignore[attr-defined]
        await receiver._send_rtcp(RtcpPsfbPacket(ssrc=receiver._RTCRtpReceiver__rtcp_ssrc, **packet))  # type: ignore[attr-defined]

    async def _receive(self, track: MediaStreamTrack, into: list[Any]) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                into.append(await track.recv())
                self._changed.set()

    def _hear(self, audio: Audio) -> None:
        self.heard.append(audio)
        self._changed.set()

    def _lose(self) -> None:
        self.lost += 1
        self._changed.set()


class _Unmapped:
    def map(self, timestamp: int) -> int:
        return timestamp


@pytest.fixture
async def page(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    page = Page()
    drawn = iter(range(1, 1_000))
    # RTP times begin at a random number: here at one that both tracks share
    monkeypatch.setattr("aiortc.rtcrtpsender.random32", lambda: 0 if page.answer else next(drawn))
    monkeypatch.setattr("aiortc.codecs.vpx.Vp8Decoder.__init__", _decode_telling_keyframes)
    yield page
    await page.close()


def _decode_telling_keyframes(self: Any) -> None:
    """libvpx does not say which pictures are keyframes, FFmpeg's own decoder does."""
    self.codec = av.CodecContext.create("vp8", "r")
    self.codec.thread_count = 1


def level(frame: av.VideoFrame) -> float:
    return float(frame.to_ndarray(format="gray").mean())


def time_of(frame: av.VideoFrame | av.AudioFrame) -> int:
    assert frame.pts is not None
    return frame.pts


def bright(pictures: list[av.VideoFrame]) -> list[float]:
    """Seconds at which bright pictures begin."""
    levels = [level(frame) > (DARK + BRIGHT) / 2 for frame in pictures]
    starts = [k for k, lit in enumerate(levels) if lit and not (k and levels[k - 1])]
    return [time_of(pictures[k]) / 90_000 for k in starts]


def loud(sound: list[av.AudioFrame]) -> list[float]:
    """Seconds at which sound begins."""
    times: list[float] = []
    quiet = 0
    for frame in sound:
        samples = np.abs(frame.to_ndarray().reshape(-1, 2).mean(axis=1)) / 32768
        for k in np.flatnonzero(samples > 0.1):
            at = time_of(frame) + int(k)
            if at - quiet > 0.05 * SESSION_RATE or not times:
                times.append(at / SESSION_RATE)
            quiet = at
    return times


# ---- the clock


def test_pictures_have_the_times_of_the_sound_they_begin_with() -> None:
    timeline = Timeline(960_000, 0)
    timeline.add(clip(960_000))
    shown = [item for _ in range(10) for item in timeline.take()[1]]
    assert [item.pts for item in shown] == [0, STEP, 2 * STEP, 3 * STEP, 4 * STEP]
    assert [item.frame.start for item in shown] == [960_000 + k * STEP for k in range(5)]


def test_a_silence_for_want_of_media_delays_them_and_loses_nothing() -> None:
    timeline = Timeline(0, 0)
    for _ in range(3):
        sound, due = timeline.take()
        assert not sound.any()
        assert not due
    assert timeline.position == 0
    timeline.add(clip(0, sound=0.5, length=PACKET + 100))
    first, due = timeline.take()
    assert [item.pts for item in due] == [3 * PACKET]
    second, _ = timeline.take()
    assert timeline.position == PACKET
    assert np.allclose(first[240:], 0.5)
    assert np.allclose(second[:100], 0.5)
    assert not second[340:].any()
    timeline.take()
    assert timeline.position == PACKET + 100
    timeline.add(clip(PACKET + 100, length=2 * STEP))
    begun = timeline.sent
    pictures = [item for _ in range(4) for item in timeline.take()[1]]
    assert [item.frame.start for item in pictures] == [STEP, 2 * STEP]
    assert [item.pts - begun for item in pictures] == [k * STEP - PACKET - 100 for k in (1, 2)]


def test_cut_sound_does_not_click() -> None:
    timeline = Timeline(0, 0)
    timeline.add(clip(0, sound=0.8))
    parts = [timeline.take()[0] for _ in range(3)]
    timeline.flush(2 * PACKET, 1)
    timeline.add(clip(2 * PACKET, sound=-0.8, length=PACKET))
    parts += [timeline.take()[0] for _ in range(3)]
    sound = np.concatenate(parts)
    assert np.abs(np.diff(sound[1:])).max() < 0.02
    assert sound[3 * PACKET - 1] == pytest.approx(0.8)
    assert sound[4 * PACKET - 1] == pytest.approx(-0.8)


def test_the_clock_after_a_flush_is_that_of_the_new_media() -> None:
    timeline = Timeline(0, 0)
    timeline.add(clip(0, level=BRIGHT))
    for _ in range(4):
        timeline.take()
    timeline.flush(2 * STEP, 1)
    assert timeline.position == 2 * STEP
    assert timeline.waiting == 0
    timeline.add(clip(2 * STEP))
    due = timeline.take()[1]
    assert [(item.pts, item.frame.start) for item in due] == [(4 * PACKET, 2 * STEP)]


async def test_pictures_that_come_too_late_are_dropped_and_the_last_one_is_sent_again_while_none_comes() -> None:
    track = PictureTrack()
    frames = [Frame(plain(k), k * STEP) for k in range(3)]
    track.show([Due(0, frames[0])], 0)
    track.show([Due(STEP, frames[1]), Due(2 * STEP, frames[2])], STEP)
    assert (await track.recv()).pts == 2 * STEP * 90_000 // SESSION_RATE
    assert track.dropped == 2
    waiting = asyncio.ensure_future(track.recv())
    track.show([], 2 * STEP + PACKET)
    await asyncio.sleep(0)
    assert not waiting.done()
    track.show([], 2 * STEP + SESSION_RATE // 5)
    assert (await waiting).pts == (2 * STEP + SESSION_RATE // 5) * 90_000 // SESSION_RATE


# ---- codecs


def portrait(k: int, side: int = 256) -> NDArray[np.uint8]:
    """A picture with detail that moves."""
    grain = np.random.default_rng(0).integers(0, 256, (side // 4, side // 4, 3), np.uint8)
    return np.roll(np.kron(grain, np.ones((4, 4, 1), np.uint8)), 3 * k, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Vp8, H264])
def test_the_bitrate_changes_without_a_new_encoder_or_keyframe(kind: type[PictureEncoder]) -> None:
    encoder = kind(FPS)
    name = "vp8" if kind is Vp8 else "h264"
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    sizes, keys, contexts = [], [], set()
    for k in range(150):
        encoder.target_bitrate = 1_600_000 if k < 75 else 400_000
        payloads, pts = encoder.encode(wrapped(portrait(k), 3_600 * k))
        assert pts == 3_600 * k
        sizes.append(sum(map(len, payloads)))
        contexts.add(id(encoder._context))
        data = b"".join(_depayloaded(name, part) for part in payloads)
        keys += [k for frame in decoder.decode(av.Packet(data)) if frame.key_frame]
    assert len(contexts) == 1
    assert keys == [0]
    assert sum(sizes[50:75]) * 8 == pytest.approx(1_600_000, rel=0.35)
    assert sum(sizes[125:]) * 8 == pytest.approx(400_000, rel=0.35)


def _depayloaded(name: str, part: bytes) -> bytes:
    return vp8_depayload(part) if name == "vp8" else h264_depayload(part)


def test_what_a_page_estimates_is_kept_within_sense() -> None:
    encoder = Vp8(FPS)
    encoder.target_bitrate = 1
    assert encoder.target_bitrate == MIN_BITRATE
    encoder.target_bitrate = 10**9
    assert encoder.target_bitrate == MAX_BITRATE


@pytest.mark.parametrize("kind", [Vp8, H264])
def test_colours_arrive_as_they_were(kind: type[PictureEncoder]) -> None:
    colour = np.zeros((64, 66, 4), np.uint8)
    colour[:] = (200, 120, 90, 255)
    payloads, _ = kind(FPS).encode(wrapped(colour[:, :65], 0))
    name = "vp8" if kind is Vp8 else "h264"
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    data = b"".join(_depayloaded(name, part) for part in payloads)
    frame = [*decoder.decode(av.Packet(data)), *decoder.decode(None)][0]
    assert (frame.width, frame.height) == (64, 64)
    got = frame.to_ndarray(format="rgb24", src_colorspace="ITU601")[32, 32].astype(int)
    assert np.abs(got - (200, 120, 90)).max() <= 4


# ---- the connection


@pytest.mark.slow
async def test_pictures_and_sound_arrive_on_one_clock_also_after_silences_and_flushes(page: Page) -> None:
    peer = await page.connect()
    for k in range(4):
        await peer.play(noted(k * CLIP), 0)
    await page.until(lambda: len(loud(page.sound)) == 4)  # then there is nothing to send, for a while
    peer.flush(2 * CLIP, 1)
    for k in range(2, 6):
        await peer.play(noted(k * CLIP), 1)
    await page.until(lambda: len(loud(page.sound)) == 8 and len(bright(page.pictures)) == 8)
    flashes, bursts = np.array(bright(page.pictures)), np.array(loud(page.sound))
    assert np.abs(flashes - bursts).max() < 0.010  # Opus itself takes 6.5 ms
    assert np.allclose(np.diff(flashes)[[0, 1, 2, 4, 5, 6]], CLIP / SESSION_RATE, atol=1e-4)


@pytest.mark.slow
async def test_play_waits_until_its_media_are_nearly_sent(page: Page) -> None:
    peer = await page.connect()
    for k in range(5):
        await peer.play(clip(k * CLIP), 0)
        ahead = (k + 1) * CLIP - peer.position()
        assert ahead < 0.12 * SESSION_RATE + PACKET
        assert peer.position() <= (k + 1) * CLIP


@pytest.mark.slow
async def test_a_flush_drops_what_was_queued_and_frees_who_waits(page: Page) -> None:
    peer = await page.connect()
    await peer.play(clip(0), 0)
    waiting = asyncio.ensure_future(peer.play(clip(CLIP, level=BRIGHT, sound=0.5, length=40 * CLIP), 0))
    await asyncio.sleep(0)
    peer.flush(CLIP // 2, 1)
    await waiting
    await peer.play(clip(CLIP, level=BRIGHT, sound=0.5), 0)  # an epoch that is over
    for k in range(4):
        await peer.play(clip(CLIP // 2 + k * CLIP), 1)
    seen = len(page.pictures)
    await page.until(lambda: len(page.pictures) > seen)
    assert not bright(page.pictures)
    assert not loud(page.sound)
    assert peer.position() >= CLIP // 2


@pytest.mark.slow
async def test_a_keyframe_follows_when_the_page_lost_the_picture(page: Page) -> None:
    peer = await page.connect()
    page.play_on()
    await page.until(lambda: len(page.pictures) >= 25)
    assert [k for k, frame in enumerate(page.pictures) if frame.key_frame] == [0]
    asked = len(page.pictures)
    await page.report(fmt=1, media_ssrc=_picture_ssrc(peer))
    await page.until(lambda: any(frame.key_frame for frame in page.pictures[asked:]))
    answered = next(k for k in range(asked, len(page.pictures)) if page.pictures[k].key_frame)
    assert answered - asked <= 5  # pictures: 200 ms


@pytest.mark.slow
async def test_a_keyframe_also_follows_while_nothing_new_is_to_be_seen(page: Page) -> None:
    peer = await page.connect()
    await peer.play(clip(0), 0)
    await page.until(lambda: len(page.pictures) >= 6)
    asked = len(page.pictures)
    await page.report(fmt=1, media_ssrc=_picture_ssrc(peer))
    await page.until(lambda: any(frame.key_frame for frame in page.pictures[asked:]))


@pytest.mark.slow
async def test_the_pages_estimate_sets_the_bitrate_of_the_one_encoder(page: Page) -> None:
    peer = await page.connect()
    page.play_on()
    await page.until(lambda: len(page.pictures) >= 5)
    encoder = _picture_sender(peer)._RTCRtpSender__encoder
    assert isinstance(encoder, Vp8)
    context = encoder._context
    ssrcs = [_picture_ssrc(peer)]
    await page.report(fmt=RTCP_PSFB_APP, media_ssrc=0, fci=pack_remb_fci(300_000, ssrcs))
    seen = len(page.pictures)
    await page.until(lambda: len(page.pictures) >= seen + 10)
    assert encoder.target_bitrate < 400_000
    assert encoder._context is context
    assert [k for k, frame in enumerate(page.pictures) if frame.key_frame] == [0]


@pytest.mark.slow
async def test_pictures_go_on_where_three_packets_of_a_hundred_are_lost(page: Page) -> None:
    peer = await page.connect()
    assert "a=rtcp-fb:97 nack\r\n" in page.answer
    assert "apt=97" in page.answer
    transport = _picture_sender(peer).transport.transport
    send, dice = transport._send, random.Random(1)

    async def lossy(data: bytes) -> None:
        if dice.random() >= 0.03:
            await send(data)

    transport._send = lossy
    page.play_on(portrait)
    await page.until(lambda: bool(page.pictures) and time_of(page.pictures[-1]) >= 5 * 90_000)
    seen = [frame for frame in page.pictures if 45_000 <= time_of(frame) < 9 * 45_000]
    assert len(seen) + peer.dropped >= 95  # of 100; a machine that is busy drops some before they are sent


@pytest.mark.slow
async def test_the_microphone_arrives_at_16_khz(page: Page) -> None:
    await page.connect()
    await page.until(lambda: sum(map(len, page.heard)) >= 16_000)
    assert {audio.rate for audio in page.heard} == {16_000}
    assert all(a.end == b.start for a, b in zip(page.heard, page.heard[1:], strict=False))
    samples = np.concatenate([audio.samples for audio in page.heard])[4_000:16_000]
    assert samples.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert np.argmax(spectrum) * 16_000 / len(samples) == pytest.approx(440, abs=3)
    assert np.abs(samples).max() == pytest.approx(0.5 / 2**0.5, abs=0.05)  # this page spreads it over two channels


def test_lost_sound_of_the_microphone_is_silence_and_keeps_its_clock() -> None:
    microphone, given = Microphone(), 0
    for k in (0, 1, 2, 5, 6):
        frame = av.AudioFrame.from_ndarray(np.full((1, 2 * PACKET), 9_000, np.int16), "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = SESSION_RATE, 500 + k * PACKET, Fraction(1, SESSION_RATE)
        audio = microphone.take(frame)
        assert audio.start == given
        given = audio.end
    assert given == pytest.approx(7 * 320, abs=320)


@pytest.mark.slow
async def test_a_closed_page_is_lost_once(page: Page) -> None:
    peer = await page.connect()
    waiting = asyncio.ensure_future(peer.play(clip(0, length=100 * CLIP), 0))
    await page.connection.close()
    await page.until(lambda: page.lost > 0)
    await waiting
    await peer.close()
    await peer.close()
    assert page.lost == 1


@pytest.mark.slow
async def test_closing_from_here_is_no_loss(page: Page) -> None:
    peer = await page.connect()
    await peer.close()
    assert page.lost == 0


@pytest.mark.slow
async def test_a_page_that_hides_its_address_is_found_without_asking_the_network(page: Page) -> None:
    def hidden(offer: str) -> str:
        lines = []
        for line in offer.split("\r\n"):
            words = line.split(" ")
            if line.startswith("a=candidate:"):
                words[4] = "0b0c3a1e-8d44-4a58-9c44-2b1a64f1dc4c.local"
            lines.append(" ".join(words))
        return "\r\n".join(lines)

    await page.connect(hidden)
    assert ".local" in page.offer
    assert page.sound


async def test_the_answer_takes_the_codec_that_the_offer_names_first() -> None:
    for first in ("VP8", "H264"):
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTransceiver("audio", "sendrecv")
        section = connection.addTransceiver("video", "recvonly")
        codecs = [c for c in _capabilities() if c.name == first] + [c for c in _capabilities() if c.name != first]
        section.setCodecPreferences(codecs)
        await connection.setLocalDescription(await connection.createOffer())
        peer, answer = await _open(connection.localDescription.sdp)
        video = answer[answer.index("m=video") :]
        number = video.split("\r\n")[0].split(" ")[3]
        assert f"a=rtpmap:{number} {first}/90000" in video
        encoder = _picture_sender(peer)._RTCRtpSender__encoder
        assert type(encoder).__name__.upper() == first
        await peer.close()
        await connection.close()


@pytest.mark.parametrize(
    "alter",
    [
        lambda offer: "",
        lambda offer: "hello\r\n",
        lambda offer: offer[: len(offer) // 3],
        lambda offer: offer.replace("a=ice-pwd", "a=nothing"),
        lambda offer: offer.replace("a=fingerprint", "a=nothing"),
        lambda offer: offer.replace("a=candidate:", "a=nothing:"),
        lambda offer: offer.replace("a=recvonly", "a=sendonly"),
        lambda offer: offer[: offer.index("m=video")],
        lambda offer: offer.replace("opus", "speex"),
        lambda offer: offer.replace("VP8", "VP7").replace("H264", "H999"),
        lambda offer: offer + offer[offer.index("m=video") :].replace("a=mid:1", "a=mid:7"),
        lambda offer: offer + 100 * "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n",
        lambda offer: offer.replace("a=candidate:", "a=candidate:x "),
    ],
    ids=str,
)
async def test_an_offer_that_cannot_be_accepted_is_refused_with_a_reason(alter: Callable[[str], str]) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio", "sendrecv")
    connection.addTransceiver("video", "recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    offer = alter(connection.localDescription.sdp)
    await connection.close()
    with pytest.raises(BadInput, match="offer"):
        await _open(offer)


async def _open(offer: str) -> tuple[Peer, str]:
    return await Peer.open(offer, start=0, epoch=0, fps=FPS, hear=lambda audio: None, lost=lambda: None)


def _capabilities() -> list[Any]:
    return list(RTCRtpSender.getCapabilities("video").codecs)


def _picture_sender(peer: Peer) -> Any:
    return peer._connection.getSenders()[1]


def _picture_ssrc(peer: Peer) -> int:
    ssrc: int = _picture_sender(peer)._ssrc
    return ssrc
