"""Over WebRTC face and voice are the same; where it cannot connect, the WebSocket takes its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Launch, served
from tests.browser.faces import openings
from tests.browser.visitor import LONG, Visitor, open_visitor
from tests.browser.voices import recorded, silence, speech

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

BLOCKED = "--webrtc-ip-handling-policy=disable_non_proxied_udp"


async def test_chosen_by_hand_webrtc_carries_the_face_the_voice_and_the_microphone(
    launch: Launch, server: str, tmp_path: Path
) -> None:
    question = recorded(tmp_path / "question.wav", [silence(2.0), await speech("What is your name?"), silence(4.0)])
    async with launch(question) as browser, open_visitor(browser, server) as visitor:
        await visitor.arrive()
        await _choose(visitor, "WebRTC")
        await visitor.until("visavis.transport === 'webrtc'")
        await visitor.ask(LONG)
        await visitor.speaking()
        assert np.ptp(openings(await visitor.look())) > 0.12
        await visitor.page.get_by_role("button", name="Stop").click()
        assert (await visitor.answered())["interrupted"]
        since = await visitor.now()
        await visitor.page.get_by_role("button", name="Start talking").click()
        answered = await visitor.answered(since)
        heard = [event["text"] for event in await visitor.told("heard", since) if event["final"]]
        assert "name" in heard[0].lower()
        assert answered["text"].startswith("You said:")
        assert np.quantile(await visitor.loudness(f"told > {since} && state === 'speaking'"), 0.8) > 0.02
        assert await visitor.page.evaluate("visavis.transport") == "webrtc"


async def test_from_another_address_webrtc_is_chosen_by_itself(launch: Launch) -> None:
    async with (
        served("--port", "0", "--host", "0.0.0.0") as (address, _),
        launch(without=("--host-resolver-rules",)) as browser,
        open_visitor(browser, address) as visitor,
    ):
        await visitor.arrive()
        await visitor.until("visavis.transport === 'webrtc'")
        await visitor.ask(LONG)
        await visitor.speaking()
        assert np.ptp(openings(await visitor.look())) > 0.12


@pytest.mark.parametrize("how", ["blocked", "missing"])
async def test_where_webrtc_cannot_be_the_websocket_carries_everything(launch: Launch, server: str, how: str) -> None:
    flags = [BLOCKED] if how == "blocked" else []
    scripts = ["delete window.RTCPeerConnection"] if how == "missing" else []
    async with launch(None, *flags) as browser, open_visitor(browser, server, scripts) as visitor:
        await visitor.arrive()
        await _choose(visitor, "WebRTC")
        await expect(visitor.page.get_by_role("status").get_by_text("through the WebSocket")).to_be_visible()
        await visitor.ask(LONG)
        await visitor.speaking()
        assert np.ptp(openings(await visitor.look())) > 0.12
        assert await visitor.page.evaluate("visavis.transport") == "websocket"


async def _choose(visitor: Visitor, transport: str) -> None:
    await visitor.page.get_by_role("tab", name="Settings").click()
    await visitor.page.get_by_role("radio", name=transport).check()


async def test_back_to_the_websocket_by_hand(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        await _choose(visitor, "WebRTC")
        await visitor.until("visavis.transport === 'webrtc'")
        await visitor.ask(LONG)
        await visitor.speaking()
        await _choose(visitor, "WebSocket")
        await visitor.until("visavis.transport === 'websocket'")
        answered = await visitor.answered()
        assert (answered["text"], answered["interrupted"]) == (f"You said: {LONG}. My name is Visavis.", False)
        assert np.quantile(await visitor.loudness("state === 'speaking'"), 0.8) > 0.02
