"""What the page asks of a gateway, and what it makes of the answers: ours, OPEA's own, and none at all."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from visavis.ui.client import Gateway, GatewayRefused, Question


def gateway(
    path: str, answer: Callable[[Request], Awaitable[Response]], url: str = "http://gateway", token: str | None = None
) -> Gateway:
    return Gateway(url, token, Starlette(routes=[Route(path, answer, methods=["GET", "POST"])]))


def test_a_question_says_only_what_was_chosen() -> None:
    assert Question(text="Why?").body() == {"text": "Why?", "response_format": "object", "max_tokens": 160}
    spoken = Question(text="Why?", sound=b"RIFF", face="finn", voice="rms", language="de", animator="wav2lip").body()
    assert spoken["audio"] == "UklGRg=="
    assert "text" not in spoken
    assert (spoken["language"], spoken["animator"]) == ("de", "wav2lip")


async def test_the_token_and_the_persons_address_reach_the_gateway() -> None:
    seen: dict[str, object] = {}

    async def answer(request: Request) -> Response:
        assert request.client is not None
        seen.update(bearer=request.headers["authorization"], who=request.client.host, body=await request.json())
        told = {"video_url": "http://inner:1/outputs/1/result.mp4", "transcript": "hi", "text": "Hello."}
        return JSONResponse({**told, "timings": {"total": 1.5}})

    one = gateway("/v1/avatarchatbot", answer, token="a secret of sixteen")
    told = await one.ask(Question(text="Why?"), "192.0.2.7")
    assert seen == {"bearer": "Bearer a secret of sixteen", "who": "192.0.2.7", "body": Question(text="Why?").body()}
    # wherever the gateway believes to be: it is asked there where it was reached
    assert (told.video, told.transcript, told.text) == ("/outputs/1/result.mp4", "hi", "Hello.")
    assert told.timings == (("total", 1.5),)


async def test_opeas_own_gateway_tells_a_path_and_has_nothing_to_choose() -> None:
    async def answer(request: Request) -> Response:
        return JSONResponse("/outputs/result.mp4")

    one = gateway("/v1/avatarchatbot", answer)
    assert await one.choices() is None
    told = await one.ask(Question(text="Why?"))
    assert told.video == "/outputs/result.mp4"
    with pytest.raises(GatewayRefused, match=r"keeps its video at /outputs/result\.mp4"):
        await one.video(told.video)


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (JSONResponse({"error": {"message": "all places are taken"}}, 503), "all places are taken"),
        (JSONResponse({"detail": "there is no avatar 'x'"}, 400), "there is no avatar 'x'"),
        (JSONResponse({"detail": [{"loc": ["body"]}]}, 422), "the gateway answered with 422"),
        (PlainTextResponse("Internal Server Error", 500), "the gateway answered with 500"),
        (PlainTextResponse(json.dumps([1]), 500), "the gateway answered with 500"),
    ],
)
async def test_what_is_wrong_is_one_sentence(response: Response, says: str) -> None:
    async def answer(request: Request) -> Response:
        return response

    with pytest.raises(GatewayRefused) as refused:
        await gateway("/v1/avatarchatbot", answer).ask(Question(text="Why?"))
    assert str(refused.value) == says


async def test_a_gateway_that_is_not_there_is_said_to_be_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as line:
        port = line.getsockname()[1]
    with pytest.raises(GatewayRefused, match=f"the gateway at http://localhost:{port} cannot be reached"):
        await Gateway(f"http://localhost:{port}").choices()


async def test_whoever_gives_up_waiting_ends_the_work_at_the_gateway() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Response:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return Response()

    asking = asyncio.create_task(gateway("/v1/avatarchatbot", answer).ask(Question(text="Why?")))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ended.is_set()
