"""What a page can let people choose from, and faces that they bring: whoever has the name has the face, nobody else."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

import cv2
import httpx
import numpy as np
import pytest
import pytest_asyncio

from tests.browser.conftest import served
from tests.serving.test_animation import film
from visavis.avatars.builtins import BUILTINS

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncGenerator[httpx.AsyncClient, None]:
    async with served("--port", "0") as (address, _), httpx.AsyncClient(base_url=address, timeout=120) as http:
        yield http


async def test_everything_that_can_be_chosen_is_listed_and_can_be_asked_for(gateway: httpx.AsyncClient) -> None:
    told = (await gateway.get("/v1/choices")).json()
    assert {"vera", "amos", "finn"} <= {each["name"] for each in told["avatars"]}
    assert told["usual"] == {"avatar": "vera", "language": "en", "animator": "rig"}
    assert told["languages"][0] == "en"
    assert [each["name"] for each in told["animators"]] == ["rig"]
    for each in told["avatars"][:3]:
        assert (await gateway.get(each["picture"])).headers["content-type"] == "image/jpeg"
    body = {"text": "Who are you?", "face": told["avatars"][1]["name"], "voice": told["voices"][-1]["name"]}
    assert (await gateway.post("/v1/avatarchatbot", json=body)).status_code == 200


async def test_an_avatar_made_from_a_file_has_no_name_to_tell() -> None:
    picture = BUILTINS["amos"].picture
    async with (
        served("--port", "0", "-a", str(picture)) as (address, _),
        httpx.AsyncClient(base_url=address, timeout=60) as http,
    ):
        told = (await http.get("/v1/choices")).text
        assert str(picture) not in told
        first = (await http.get("/v1/choices")).json()["avatars"][0]
        assert first["name"] == ""
        assert (await http.get(first["picture"])).headers["content-type"] == "image/jpeg"


async def test_a_face_that_is_brought_is_built_once_and_answers_by_its_name(gateway: httpx.AsyncClient) -> None:
    made = (await gateway.post("/v1/faces", content=BUILTINS["amos"].picture.read_bytes())).json()
    assert re.fullmatch(r"own-[0-9a-f]{32}", made["name"])
    picture = (await gateway.get(made["picture"])).content
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR) is not None
    body = {"text": "Who are you?", "face": made["name"]}
    answer = await gateway.post("/v1/avatarchatbot", json=body, headers={"accept": "video/mp4"})
    assert film(answer.content)[0] > 1.0
    listed = (await gateway.get("/v1/choices")).text
    assert made["name"] not in listed


async def test_a_face_that_is_forgotten_is_gone(gateway: httpx.AsyncClient) -> None:
    made = (await gateway.post("/v1/faces", content=BUILTINS["amos"].picture.read_bytes())).json()
    await gateway.delete(f"/v1/faces/{made['name']}")
    assert (await gateway.get(made["picture"])).status_code == 404
    refused = await gateway.post("/v1/avatarchatbot", json={"text": "Who are you?", "face": made["name"]})
    assert refused.status_code == 422
    assert "send the picture again" in refused.json()["error"]["message"]


async def test_what_is_no_face_is_refused_in_a_sentence(gateway: httpx.AsyncClient) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    for content in (cv2.imencode(".png", noise)[1].tobytes(), b"nothing", b""):
        refused = await gateway.post("/v1/faces", content=content)
        assert refused.status_code == 422
        assert "Traceback" not in refused.text
        assert refused.json()["error"]["message"]


async def test_a_form_is_told_how_a_picture_is_sent(gateway: httpx.AsyncClient) -> None:
    response = await gateway.post("/v1/faces", files={"file": b"x"})
    assert response.status_code == 422
    assert "curl --data-binary @me.jpg" in response.json()["detail"]
