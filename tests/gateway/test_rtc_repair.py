"""Lost packets are sent again while there is room for it, and then the picture is."""

from __future__ import annotations

from fractions import Fraction

from visavis.gateway.rtc_codecs import Vp8
from visavis.gateway.rtc_repair import Repair


class Line:
    """What was sent, on a clock that is set by hand."""

    def __init__(self) -> None:
        self.resent: list[int] = []
        self.keyframes = 0
        self.now = 100.0
        self.encoder = Vp8(Fraction(25))
        self.repair = Repair(self.encoder, self._resend, self._refresh, lambda: self.now)

    async def _resend(self, sequence_number: int) -> None:
        self.resent.append(sequence_number)

    def _refresh(self) -> None:
        self.keyframes += 1


async def test_a_few_lost_packets_are_sent_again_at_once() -> None:
    line = Line()
    for k in range(10):
        await line.repair.retransmit(k)
    assert line.resent == list(range(10))
    assert line.keyframes == 0


async def test_a_keyframe_replaces_what_there_is_no_room_for() -> None:
    line = Line()
    for k in range(500):
        await line.repair.retransmit(k)
    assert line.resent == list(range(16))
    assert line.keyframes == 1


async def test_a_storm_of_requests_takes_a_fifth_of_the_bitrate_and_two_keyframes_a_second() -> None:
    line = Line()
    line.encoder.target_bitrate = 400_000
    for k in range(4_000):
        line.now += 0.0025
        await line.repair.retransmit(k)
    assert len(line.resent) * 1_300 * 8 <= 10 * 0.2 * 400_000 + 16 * 1_300 * 8
    assert len(line.resent) * 1_300 * 8 >= 9 * 0.2 * 400_000
    assert 15 <= line.keyframes <= 20


async def test_after_a_quiet_while_there_is_room_again() -> None:
    line = Line()
    for k in range(100):
        await line.repair.retransmit(k)
    line.now += 2
    await line.repair.retransmit(100)
    assert line.resent[-1] == 100
