"""Out of a loudspeaker into the microphone: the avatar hears itself, and does not take that for somebody else."""

from __future__ import annotations

import asyncio

import pytest

from tests.browser.conftest import Launch, served
from tests.browser.visitor import Visitor, open_visitor

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SENTENCES = (
    "The river begins high in the mountains, where the snow stays until summer.",
    "Small streams run down between the stones and meet in a narrow valley.",
    "There the water is cold and clear, and you can count the fish in it.",
    "Farmers have built low walls along the banks to keep their fields dry.",
    "Further down it passes an old mill, whose wheel has not turned for years.",
    "Children jump from the bridge on hot days and swim to the other side.",
    "Then the land becomes flat, and the river grows wide and slow.",
    "Boats carry sand and timber from one town to the next.",
    "In the evening the fishermen sit on wooden boxes and hardly say a word.",
    "At last it reaches the sea, and nobody can tell where it ends.",
    "Birds from the far north rest in the reeds there every autumn.",
    "People come to watch them with warm coats and hot tea.",
    "When the birds have left again, the winter is not far away.",
    "Ice covers the quiet places first, and then the whole bank.",
    "On some mornings there is fog over the water, and one hears only the oars.",
    "Until the spring comes the river seems to sleep.",
)
LONGEST = 60.0
"""Seconds of an answer."""
ROOM = """
    // A room: what the loudspeaker plays comes back to the microphone, later and softer. No browser cancels it here.
    let room = null;
    window.loudspeaker = (node, connect) => {
      if (room) return; // the first one is the player's
      const { context } = node;
      const way = [new DelayNode(context, { delayTime: 0.15 }), new GainNode(context, { gain: %f })];
      room = context.createMediaStreamDestination();
      [node, ...way].forEach((each, i) => connect.call(each, way[i] ?? room));
    };
    navigator.mediaDevices.getUserMedia = async () => room.stream;
"""


async def test_its_own_voice_in_the_microphone_never_interrupts_it(launch: Launch) -> None:
    async with (
        served("--port", "0", "--set", "size=256") as (server, _),  # a small face: two of them are drawn here
        launch(None, "--autoplay-policy=no-user-gesture-required") as browser,
        open_visitor(browser, server, [ROOM % 10 ** (-20 / 20)]) as soft,
        open_visitor(browser, server, [ROOM % 10 ** (-10 / 20)]) as loud,
    ):
        await asyncio.gather(_start(soft), _start(loud, half_duplex=True))
        await asyncio.gather(_hears_nobody(soft), _hears_nobody(loud))


async def _start(visitor: Visitor, half_duplex: bool = False) -> None:
    await visitor.arrive()
    if half_duplex:
        await visitor.page.get_by_role("tab", name="Settings").click()
        await visitor.page.get_by_role("switch", name="I use loudspeakers").check()
        await visitor.until("told.some(({type, half_duplex}) => type === 'configured' && half_duplex)")
    await visitor.page.get_by_role("button", name="Start talking").click()
    await visitor.until("document.body.dataset.mic === 'open'")


async def _hears_nobody(visitor: Visitor) -> None:
    question = " ".join(SENTENCES).rstrip(".")
    since = await visitor.now()
    await visitor.ask(question)
    await visitor.speaking()
    level = "Number(getComputedStyle(document.getElementById('microphone')).getPropertyValue('--level')) > 0.01"
    await visitor.until(level)  # it does come back
    while not await visitor.told("answered"):
        await visitor.page.wait_for_timeout(500)
    answered = (await visitor.told("answered"))[0]
    spoken = await visitor.told("spoken")
    seconds = (spoken[-1]["words"][-1]["end"] - spoken[0]["start"]) / 48_000
    assert seconds >= LONGEST
    assert (answered["text"], answered["interrupted"]) == (f"You said: {question}. My name is Visavis.", False)
    await visitor.page.wait_for_timeout(3_000)  # what comes back last, and the end of an utterance
    states = [event["state"] for event in await visitor.told("state", since)]
    # where a page has no time to play, its sound may once come later than any room's: that is learnt from
    assert states in (["thinking", "speaking", "idle"], ["thinking", "speaking", "held", "speaking", "idle"])
    assert [event["text"] for event in await visitor.told("heard")] == [question]
