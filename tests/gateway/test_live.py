"""Conversations over the real server: what a page says is answered, what is wrong is told, and nobody meets another."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from tests.gateway.page import Page, open_page
from tests.gateway.scripted import ANSWER, live
from visavis.avatars.builtins import BUILTINS
from visavis.gateway.events import HEADER, SOUND
from visavis.media.audio import SESSION_RATE

pytestmark = pytest.mark.usefixtures("scripted")


async def test_media_come_at_once_and_on_one_clock() -> None:
    async with live() as port, open_page(port) as page:
        welcome = await page.hello()
        assert (welcome["avatar"], welcome["resumed"], welcome["hears"]) == ("vera", False, True)
        assert {choice["name"] for choice in welcome["avatars"]} >= set(BUILTINS)
        await asyncio.sleep(1.0)
        starts = [start for _, start, _ in page.sound]
        assert starts[0] == welcome["start"]
        assert all(b - a == SESSION_RATE / 25 for a, b in itertools.pairwise(starts))
        assert [start for _, start, _ in page.pictures][: len(starts)] == starts
        picture = cv2.imdecode(np.frombuffer(page.pictures[0][2], np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (128, 128, 3)
        assert starts[-1] <= (page.now() - page._began + 0.5) * SESSION_RATE, "no more than the lead is sent ahead"


async def test_a_typed_question_is_answered_in_sound_pictures_and_words() -> None:
    async with live() as port, open_page(port) as page:
        await page.hello()
        await asyncio.sleep(0.5)
        await page.say("text", text="What is the moon?")
        answered = await page.event("answered")
        assert (answered["text"], answered["interrupted"]) == (ANSWER, False)
        spoken = [event for event in page.events if event["type"] == "spoken"]
        assert [word["text"] for event in spoken for word in event["words"]] == ANSWER.split()
        first = spoken[0]["start"]
        before = np.concatenate([samples for _, start, samples in page.sound if start < first - 1])
        assert not before.any()
        after = np.concatenate([samples for _, start, samples in page.sound if start >= first])
        assert np.abs(after).max() > 3000
        timings = await page.event("timings")
        assert timings["word"] <= timings["audio"] <= timings["sent"]


async def speak(page: Page, seconds: float, level: int = 6000, rate: int = 48_000) -> None:
    """Noise in the page's microphone, in real time."""
    rng, size = np.random.default_rng(0), rate // 50
    begin = page.now()
    for i in range(round(seconds * 50)):
        sound = (rng.standard_normal(size) * level).clip(-32768, 32767).astype("<i2")
        await page.raw(HEADER.pack(SOUND, 0, size, float(i * size)) + sound.tobytes())
        await asyncio.sleep(max(begin + (i + 1) / 50 - page.now(), 0))


@pytest.mark.parametrize("rate", [48_000, 44_100, 16_000])
async def test_a_spoken_question_is_heard_at_any_rate_of_the_microphone(rate: int) -> None:
    async with live() as port, open_page(port) as page:
        await page.hello()
        await page.say("microphone", open=True, rate=rate)
        await speak(page, 1.0, rate=rate)
        await speak(page, 1.0, 0, rate=rate)
        heard = await page.event("heard", final=True)
        assert heard["text"] == "What is the moon?"
        assert heard["ended"] / rate == pytest.approx(1.0, abs=0.08)
        await page.event("answered")


async def test_a_voice_over_the_answer_stops_it_and_nothing_old_comes_after_the_flush() -> None:
    async with live() as port, open_page(port) as page:
        await page.hello()
        await page.say("microphone", open=True, rate=16_000)
        await page.say("text", text="What is the moon?")
        await page.event("spoken")
        await asyncio.sleep(0.8)
        await speak(page, 1.0, rate=16_000)
        answered = await page.event("answered")
        assert answered["interrupted"]
        assert 0 < len(answered["text"]) < len(ANSWER)
        flush = [event for event in page.events if event["type"] == "flush"][-1]
        sounds, pictures = page.flushes[-1]
        assert {epoch for epoch, _, _ in page.sound[sounds:]} == {flush["epoch"]}
        assert {epoch for epoch, _, _ in page.pictures[pictures:]} == {flush["epoch"]}
        later = [samples for epoch, _, samples in page.sound if epoch == flush["epoch"]]
        assert later
        assert not np.concatenate(later[:20]).any()


async def test_a_lost_connection_goes_on_with_its_history() -> None:
    async with live() as port:
        async with open_page(port) as page:
            welcome = await page.hello()
            await page.say("text", text="What is the moon?")
            await page.event("answered")
        async with open_page(port) as again:
            resumed = await again.hello(resume=welcome["resume"])
            assert resumed["resumed"]
            assert resumed["session"] == welcome["session"]
            assert [said["text"] for said in resumed["history"]] == ["What is the moon?", ANSWER]
            assert resumed["start"] > 0
            await asyncio.sleep(0.4)
            assert again.sound[0][1] == resumed["start"]


async def test_an_answer_goes_on_after_the_connection_was_lost_in_it() -> None:
    async with live() as port:
        async with open_page(port) as page:
            welcome = await page.hello()
            await page.say("text", text="What is the moon?")
            await page.event("spoken")
            await asyncio.sleep(0.5)
        async with open_page(port) as again:
            await again.hello(resume=welcome["resume"])
            assert (await again.event("answered"))["text"] == ANSWER


async def test_a_second_window_takes_the_conversation_over() -> None:
    async with live() as port, open_page(port) as first, open_page(port) as second:
        welcome = await first.hello()
        await second.hello(resume=welcome["resume"])
        assert (await first.event("error", fatal=True))["code"] == "expired"
        await second.say("text", text="What is the moon?")
        await second.event("answered")


async def test_after_the_window_a_lost_conversation_is_gone() -> None:
    async with live(resume_window=0.2) as port:
        async with open_page(port) as page:
            welcome = await page.hello()
        await asyncio.sleep(0.6)
        async with open_page(port) as again:
            assert not (await again.hello(resume=welcome["resume"]))["resumed"]


async def test_beyond_the_places_a_newcomer_waits_in_line_and_is_told_so() -> None:
    async with live(sessions=1, resume_window=0.0) as port, open_page(port) as second, open_page(port) as third:
        async with open_page(port) as first:
            await first.hello()
            await second.say("hello", version=1)
            assert (await second.event("busy"))["before"] == 0
            await third.say("hello", version=1)
            assert (await third.event("busy"))["before"] == 1
            await third.say("ping", sent=1.0)
            await third.event("pong")
        await second.event("welcome")
        assert (await third.event("busy", before=0))["before"] == 0


async def test_a_silent_conversation_ends_after_its_time_and_never_where_none_is_set() -> None:
    async with live(idle_timeout=0.5) as port, open_page(port) as page:
        await page.hello()
        assert (await page.event("error", fatal=True))["code"] == "idle"
    async with live() as port, open_page(port) as page:
        await page.hello()
        await asyncio.sleep(1.5)
        assert not page.closed.is_set()


async def test_two_people_at_once_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAKE_ANSWER")
    async with live() as port, open_page(port) as ann, open_page(port) as bob:
        await ann.hello(avatar="vera")
        await bob.hello(avatar="amos")
        await ann.say("text", text="I am Ann")
        await bob.say("text", text="I am Bob")
        assert "I am Ann" in (await ann.event("answered"))["text"]
        assert "I am Bob" in (await bob.event("answered"))["text"]
        assert not any("Bob" in str(event) for event in ann.events)
        assert not any("Ann" in str(event) for event in bob.events)
        assert ann.pictures[3][2] != bob.pictures[3][2]


async def test_avatar_and_voice_change_without_a_new_connection() -> None:
    async with live() as port, open_page(port) as page:
        await page.hello()
        await asyncio.sleep(0.3)
        await page.say("configure", avatar="finn", voice="hum", emotion="happy:0.5")
        configured = await page.event("configured")
        assert configured["avatar"] == "finn"
        assert configured["emotion"] == "happy:0.5"
        count = len(page.pictures)
        await asyncio.sleep(0.6)
        assert page.pictures[0][2] != page.pictures[-1][2]
        assert len(page.pictures) > count


def barred(page: Page, since: int = 0) -> bool:
    """Whether a picture shows the bar by which the fake animator tells an open mouth."""
    pictures = (cv2.imdecode(np.frombuffer(each[2], np.uint8), cv2.IMREAD_GRAYSCALE) for each in page.pictures[since:])
    return any(picture is not None and picture[-6:, :6].mean() > 240 for picture in pictures)


async def test_another_animator_draws_from_the_next_picture_on_and_an_unknown_one_changes_nothing() -> None:
    async with live(animation="fake") as port, open_page(port) as page:
        welcome = await page.hello()
        assert welcome["animator"] == "fake"
        assert {"fake", "rig"} <= {each["name"] for each in welcome["animators"]}
        await page.say("text", text="What is the moon?")
        await page.event("answered")
        assert barred(page)
        await page.say("configure", animator="rig")
        assert (await page.event("configured"))["animator"] == "rig"
        since, count = len(page.pictures) + 5, len(page.events)
        await page.say("configure", animator="nobody")
        error = await page.event("error", count)
        assert "there is no animator 'nobody' here: there is " in error["message"]
        assert (await page.event("configured", count))["animator"] == "rig"
        await page.say("text", text="What is the moon?")
        assert (await page.event("answered", count))["text"] == ANSWER
        assert len(page.pictures) > since + 20
        assert not barred(page, since)


async def test_an_uploaded_face_belongs_to_its_sender_alone(tmp_path: Any) -> None:
    picture = cv2.imread(str(BUILTINS["amos"].picture))
    assert picture is not None
    data = cv2.imencode(".png", picture)[1].tobytes()
    async with live() as port, open_page(port) as page, open_page(port) as other, httpx.AsyncClient() as http:
        welcome = await page.hello()
        await other.hello()
        url = f"http://127.0.0.1:{port}/avatars"
        refused = await http.post(url, content=data, headers={"X-Visavis-Session": "guess"})
        assert refused.status_code == 403
        answer = await http.post(url, content=data, headers={"X-Visavis-Session": welcome["resume"]}, timeout=60)
        name = answer.json()["name"]
        await page.say("configure", avatar=name)
        assert (await page.event("configured"))["avatar"] == name
        await other.say("configure", avatar=name)
        assert (await other.event("error"))["code"] == "bad_input"


async def test_the_last_answer_can_be_fetched_as_a_video() -> None:
    async with live() as port, open_page(port) as page, httpx.AsyncClient() as http:
        await page.hello()
        await page.say("text", text="What is the moon?")
        video = (await page.event("answered"))["video"]
        answer = await http.get(f"http://127.0.0.1:{port}{video}", timeout=60)
        assert answer.headers["content-type"] == "video/mp4"
        assert answer.content[4:8] == b"ftyp"
        assert (await http.get(f"http://127.0.0.1:{port}/answers/guess.mp4")).status_code == 404
