"""Face and voice over WebRTC: one clock, nothing stale after a flush, and pictures that survive a bad line."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import av
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender
from aiortc.rtp import RTCP_PSFB_APP, pack_remb_fci

from tests.gateway.rtc_page import BRIGHT, CLIP, FPS, Page, bright, bright_times, clip, loud, noted, portrait, time_of
from visavis.errors import BadInput
from visavis.gateway.rtc_codecs import Vp8
from visavis.gateway.rtc_tracks import PACKET
from visavis.gateway.webrtc import Peer
from visavis.media.audio import SESSION_RATE


@pytest.fixture
async def page(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    page = Page()
    drawn = iter(range(1, 1_000))
    # RTP times begin at a random number: here at one that both tracks share
    monkeypatch.setattr("aiortc.rtcrtpsender.random32", lambda: page.origin if page.answer else next(drawn))
    monkeypatch.setattr("aiortc.codecs.vpx.Vp8Decoder.__init__", _decode_telling_keyframes)
    yield page
    await page.close()


def _decode_telling_keyframes(self: Any) -> None:
    """libvpx does not say which pictures are keyframes, FFmpeg's own decoder does."""
    self.codec = av.CodecContext.create("vp8", "r")
    self.codec.thread_count = 1


@pytest.mark.slow
async def test_pictures_and_sound_arrive_on_one_clock_also_after_silences_and_flushes(page: Page) -> None:
    peer = await page.connect()
    await peer.play(noted(0, 4), 0)
    await page.until(lambda: peer.position() == 4 * CLIP)  # then there is nothing to send, for a while
    waited = len(page.sound)
    await page.until(lambda: len(page.sound) > waited + 7)
    peer.flush(2 * CLIP, 1)
    await peer.play(noted(2 * CLIP, 4), 1)
    await page.until(lambda: peer.position() == 6 * CLIP)
    waited = len(page.sound)
    await page.until(lambda: len(page.sound) > waited + 25)
    flashes, bursts = np.array(bright(page.pictures)), np.array(loud(page.sound))
    assert len(bursts) == 8
    assert len(flashes) >= 8 - peer.dropped >= 5
    late = bursts - np.array([flashes[np.abs(flashes - burst).argmin()] for burst in bursts])
    assert np.abs(np.sort(np.abs(late))[: len(flashes)]).max() < 0.010  # Opus itself takes 6.5 ms
    assert np.allclose(np.diff(bursts)[[0, 1, 2, 4, 5, 6]], CLIP / SESSION_RATE, atol=0.002)
    assert np.diff(bursts)[3] > CLIP / SESSION_RATE + 0.1


@pytest.mark.slow
async def test_the_page_is_told_which_media_time_its_pictures_belong_to(page: Page) -> None:
    page.origin = (1 << 32) - 20_000  # RTP times begin anew at 2 ** 32, soon
    peer = await page.connect(start=10 * CLIP)
    await peer.play(noted(10 * CLIP, 4), 0)
    await page.until(lambda: peer.position() == 14 * CLIP)  # then there is nothing to send, for a while
    waited = len(page.sound)
    await page.until(lambda: len(page.sound) > waited + 7)
    peer.flush(12 * CLIP, 1)
    await peer.play(noted(12 * CLIP, 4), 1)
    await page.until(lambda: peer.position() == 16 * CLIP)
    waited = len(page.sound)
    await page.until(lambda: len(page.sound) > waited + 25)
    told = [_media(time, page.clocks) for time in bright_times(page.pictures)]
    # the first picture's is told with the second, for it is not known where RTP time begins before it was sent
    assert set(told) - {None} <= {k * CLIP for k in range(10, 16)}
    assert len(told) >= 8 - peer.dropped >= 5
    assert told.index(12 * CLIP) < told.index(13 * CLIP) < len(told) - 1 - told[::-1].index(12 * CLIP)


def _media(rtp: int, clocks: list[tuple[int, int]]) -> int | None:
    """The media time of a picture, by the clock that was in force."""
    since = [(rtp - told + (1 << 31)) % (1 << 32) - (1 << 31) for told, _ in clocks]
    known = [(passed, position) for passed, (_, position) in zip(since, clocks, strict=True) if passed >= 0]
    return known[-1][1] + round(known[-1][0] * SESSION_RATE / 90_000) if known else None


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
    ids=[
        "empty",
        "no SDP",
        "truncated",
        "no password",
        "no fingerprint",
        "no address",
        "takes no picture",
        "no picture section",
        "no Opus",
        "no known picture codec",
        "two picture sections",
        "too many addresses",
        "garbled addresses",
    ],
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
    return await Peer.open(
        offer, start=0, epoch=0, fps=FPS, hear=lambda audio: None, lost=lambda: None, clock=lambda rtp, media: None
    )


def _capabilities() -> list[Any]:
    return list(RTCRtpSender.getCapabilities("video").codecs)


def _picture_sender(peer: Peer) -> Any:
    return peer._connection.getSenders()[1]


def _picture_ssrc(peer: Peer) -> int:
    ssrc: int = _picture_sender(peer)._ssrc
    return ssrc
