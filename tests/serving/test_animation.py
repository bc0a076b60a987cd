"""The face's service, in OPEA's wire formats. Names begin with the contract's case."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import av
import cv2
import httpx
import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from tests.browser.voices import RATE, speech
from tests.serving.processes import SILENCE, file, started, text
from visavis.avatars.store import AvatarStore

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
_PATH = re.compile(r"/outputs/[0-9a-f]{32}/result\.mp4")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service() -> AsyncGenerator[httpx.AsyncClient, None]:
    async with started("animation") as address, httpx.AsyncClient(base_url=address, timeout=120) as http:
        yield http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hello() -> str:
    return text(file(await speech("Hello there."), RATE))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story() -> str:
    return text(file(await speech("Once upon a time there was a king who had no crown."), RATE))


def film(data: bytes) -> tuple[float, list[NDArray[np.uint8]]]:
    """Seconds of sound, and the pictures."""
    with av.open(io.BytesIO(data), "r") as container:
        sound = container.streams.audio[0]
        samples = [frame.samples for frame in container.decode(sound)]
        container.seek(0)
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(container.streams.video[0])]
    return sum(samples) / sound.rate, [np.asarray(picture, np.uint8) for picture in pictures]


async def test_b1_sound_becomes_the_path_of_a_video_that_can_be_fetched(service: httpx.AsyncClient, hello: str) -> None:
    response = await service.post("/v1/animation", json={"byte_str": hello, "id": "0" * 32, "max_tokens": 64})
    told = response.json()
    assert set(told) == {"id", "video_path"}
    assert re.fullmatch("[0-9a-f]{32}", told["id"])
    assert _PATH.fullmatch(told["video_path"])
    fetched = await service.get(told["video_path"])
    assert fetched.headers["content-type"] == "video/mp4"
    seconds, pictures = film(fetched.content)
    assert len(pictures) == pytest.approx(25 * seconds, abs=2)
    assert pictures[0].shape == (512, 512, 3)


@pytest.mark.parametrize("kind", ["", "text/plain"])
async def test_b2_n3_the_backend_reads_json_whatever_it_is_called(
    service: httpx.AsyncClient, hello: str, kind: str
) -> None:
    headers = {"content-type": kind} if kind else {}
    body = f'{{"audio": "{hello}", "max_tokens": 64}}'
    told = (await service.post("/v1/wav2lip", content=body, headers=headers)).json()
    assert list(told) == ["wav2lip_result"]
    assert _PATH.fullmatch(told["wav2lip_result"])


async def test_the_video_itself_comes_to_whoever_accepts_it(service: httpx.AsyncClient, hello: str) -> None:
    accept = {"accept": "video/mp4"}
    response = await service.post("/v1/animation", json={"byte_str": hello}, headers=accept)
    assert response.headers["content-type"] == "video/mp4"
    assert film(response.content)[0] > 0.5


async def test_n4_each_request_has_its_own_video_also_after_one_that_failed(
    service: httpx.AsyncClient, hello: str, story: str
) -> None:
    failed = await service.post("/v1/animation", json={"byte_str": SILENCE})
    assert failed.status_code == 400
    assert "shorter than" in failed.json()["detail"]
    both = await asyncio.gather(*(service.post("/v1/animation", json={"byte_str": each}) for each in (hello, story)))
    short, long = [film((await service.get(each.json()["video_path"])).content) for each in both]
    assert long[0] > short[0] + 1.0


async def test_the_face_is_one_that_the_request_names_or_brings(
    service: httpx.AsyncClient, hello: str, tmp_path: Path
) -> None:
    plate = AvatarStore(tmp_path).builtin("amos", 512).plate
    picture = text(cv2.imencode(".png", cv2.cvtColor(plate, cv2.COLOR_RGB2BGR))[1].tobytes())
    accept = {"accept": "video/mp4"}
    shown = {}
    for face in (None, "amos", picture, f"data:image/png;base64,{picture}"):
        response = await service.post("/v1/animation", json={"byte_str": hello, "face": face}, headers=accept)
        assert response.status_code == 200, response.text
        shown[face] = film(response.content)[1][0].astype(float)
    assert np.abs(shown[None] - shown["amos"]).mean() > 20
    assert np.abs(shown[picture] - shown["amos"]).mean() < 12


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "byte_str"),
        ({"byte_str": SILENCE, "face": "nobody"}, 400, "nobody"),
        ({"byte_str": SILENCE, "face": "../../etc/passwd"}, 400, "base64"),
        ({"byte_str": SILENCE, "face": "aGVsbG8gd29ybGQ="}, 400, "picture"),
        ({"byte_str": "////"}, 400, "sound"),
    ],
)
async def test_n1_what_is_wrong_is_said_and_no_path_is_told(
    service: httpx.AsyncClient, body: dict[str, str], status: int, says: str
) -> None:
    response = await service.post("/v1/animation", json=body)
    assert response.status_code == status
    assert says in response.text
    assert "/tmp" not in response.text
    assert "/root" not in response.text


async def test_n1_other_methods_and_other_types_are_refused(service: httpx.AsyncClient) -> None:
    assert (await service.get("/v1/animation")).status_code == 405
    plain = {"content-type": "text/plain"}
    assert (await service.post("/v1/animation", content=b"{}", headers=plain)).status_code == 422


async def test_nobody_elses_files_can_be_fetched(service: httpx.AsyncClient) -> None:
    for key in ("0" * 32, "..", "%2e%2e", "x" * 32):
        assert (await service.get(f"/outputs/{key}/result.mp4")).status_code == 404


async def test_a2_outfile_is_replaced_whole_and_told_word_by_word(tmp_path: Path, hello: str, story: str) -> None:
    outfile = tmp_path / "outputs" / "result.mp4"
    async with (
        started("wav2lip", OUTFILE=str(outfile), FACE="finn", FPS="10") as address,
        httpx.AsyncClient(base_url=address, timeout=120) as http,
    ):
        lengths = []
        for sound in (story, hello):
            told = (await http.post("/v1/wav2lip", json={"audio": sound})).json()
            assert told == {"wav2lip_result": str(outfile)}
            seconds, pictures = film(outfile.read_bytes())
            assert len(pictures) == pytest.approx(10 * seconds, abs=1)
            lengths.append(seconds)
        assert lengths[0] > lengths[1] + 1.0
        assert list(outfile.parent.iterdir()) == [outfile]
