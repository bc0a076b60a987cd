"""Better engines are offered by the server, and fetched for whoever may ask for it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.gateway.better import KNOWS, LARGE, SAID, SMALL, hub
from tests.gateway.page import open_page
from tests.gateway.scripted import live
from tests.gateway.test_switching import answer
from tests.weights.hub_server import Hub
from visavis.weights.models import find_model, installed

__all__ = ["hub"]


async def until(client: httpx.AsyncClient, *states: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            offer: dict[str, Any] = (await client.get("/recommended")).json()
            if offer["job"] and offer["job"]["state"] in states:
                return offer
            await asyncio.sleep(0.05)


async def test_it_says_what_is_used_and_what_would_be_better(hub: Hub) -> None:
    async with live(llm="auto") as port, httpx.AsyncClient(base_url=f"http://localhost:{port}") as client:
        offer = (await client.get("/recommended")).json()
        used = {each["slot"]: each for each in offer["used"]}
        assert used["llm"]["model"] == SMALL
        assert used["tts"]["name"] == "fake"
        assert all(each["licence"] for each in offer["used"])
        model = find_model(LARGE)
        (wanted,) = offer["models"]
        assert (wanted["title"], wanted["licence"], wanted["is_here"]) == (model.title, "Apache-2.0", False)
        assert offer["bytes"] == wanted["bytes"] == model.bytes
        assert offer["may"]
        assert offer["job"] is None


async def test_it_is_fetched_while_people_talk_and_takes_over(hub: Hub) -> None:
    async with (
        live(llm="auto") as port,
        httpx.AsyncClient(base_url=f"http://localhost:{port}") as client,
        open_page(port) as page,
    ):
        await page.hello()
        assert await answer(page, "Who is there?") == SAID
        begun = await client.post("/recommended")
        assert begun.status_code == 202
        assert begun.json()["job"]["state"] == "pulling"
        offer = await until(client, "done", "failed")
        assert offer["job"]["state"] == "done", offer["job"]["message"]
        assert offer["bytes"] == 0
        assert [each["is_here"] for each in offer["models"]] == [True]
        assert {each["slot"]: each["model"] for each in offer["used"]}["llm"] == LARGE
        await page.event("equipped")
        assert await answer(page, "And now?") == KNOWS
        assert (await client.post("/recommended")).status_code == 422, "there is nothing more to fetch"


async def test_it_is_cancelled_and_gone_on_with(hub: Hub) -> None:
    model = find_model(LARGE)
    served = hub.files[f"{model.repository}/{model.files[0].path}"]
    served.stall_after = 100_000
    async with live(llm="auto") as port, httpx.AsyncClient(base_url=f"http://localhost:{port}") as client:
        await client.post("/recommended")
        await asyncio.to_thread(hub.stalled.wait, 30)
        again = await client.post("/recommended")
        assert (again.status_code, again.json()["detail"]) == (422, "it is being fetched already")
        await client.delete("/recommended")
        hub.release.set()
        offer = await until(client, "cancelled")
        assert installed(LARGE) is None
        assert offer["bytes"] == model.bytes
        served.stall_after = None
        await client.post("/recommended")
        assert (await until(client, "done", "failed"))["job"]["state"] == "done"
        assert installed(LARGE) is not None


async def test_a_hub_that_refuses_is_told_and_nothing_is_lost(hub: Hub) -> None:
    model = find_model(LARGE)
    hub.files[f"{model.repository}/{model.files[0].path}"].status = 404
    async with (
        live(llm="auto") as port,
        httpx.AsyncClient(base_url=f"http://localhost:{port}") as client,
        open_page(port) as page,
    ):
        await page.hello()
        await client.post("/recommended")
        failed = (await until(client, "failed", "done"))["job"]
        assert failed["state"] == "failed"
        assert model.files[0].path in failed["message"]
        assert await answer(page, "Who is there?") == SAID


@pytest.mark.parametrize(
    ("settings", "may"),
    [
        ({}, True),
        ({"page_pulls": False}, False),
        ({"allowed_hosts": ("talk.example.org",)}, False),
        ({"allowed_hosts": ("talk.example.org",), "page_pulls": True}, True),
    ],
)
async def test_only_where_nobody_else_reaches_the_server_may_its_page_fetch(
    hub: Hub, settings: dict[str, Any], may: bool
) -> None:
    async with live(**settings) as port, httpx.AsyncClient(base_url=f"http://localhost:{port}") as client:
        offer = (await client.get("/recommended")).json()
        assert offer["may"] == may
        assert ("visavis models pull recommended" in offer["why"]) == (not may)
        assert (await client.post("/recommended")).status_code == (202 if may else 422)


async def test_a_page_of_another_site_may_fetch_nothing(hub: Hub) -> None:
    async with live() as port, httpx.AsyncClient(base_url=f"http://localhost:{port}") as client:
        foreign = {"Origin": "https://elsewhere.example.org"}
        assert (await client.post("/recommended", headers=foreign)).status_code == 403
        assert (await client.get("/recommended")).json()["job"] is None
