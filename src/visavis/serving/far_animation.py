"""The animation in a service of its own: OPEA's, which tells a path, or ours, which sends the video itself."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self

from visavis.engines.far import Far, Refused, excerpt
from visavis.errors import BadInput
from visavis.serving.outputs import Film, Outputs
from visavis.settings import Settings
from visavis.streams.flow import Stream

if TYPE_CHECKING:
    import httpx

_SERVICE, _BACKEND = "/v1/animation", "/v1/wav2lip"
_KIND = "video/mp4"


class FarAnimation:
    """One server, entered as long as it is used."""

    def __init__(self, settings: Settings) -> None:
        url = (settings.animation_url or "").rstrip("/")
        self._route = _BACKEND if url.endswith(_BACKEND) else _SERVICE
        self._far = Far("animation", "opea", url.removesuffix(self._route), timeout=settings.animation_timeout)

    async def __aenter__(self) -> Self:
        await self._far.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._far.__aexit__(*exc)

    async def film(self, sound: str, wishes: dict[str, str], outputs: Outputs) -> Film:
        """The video of a sound (base64 of a file): kept among the `outputs` if it comes, or where the service has it.

        `wishes` are the keys that only our services know, such as `face`. Raises `EngineFailed`.
        """
        response = await self._asked(sound, wishes)
        async with aclosing(response):
            if not _is_video(response):
                return Film(await self._path(response))
            with outputs.making() as (key, path), path.open("wb") as file:
                async with aclosing(self._chunks(response)) as chunks:
                    async for chunk in chunks:
                        file.write(chunk)
        return Film(await outputs.publish(key), key)

    async def fragments(self, sound: str, wishes: dict[str, str]) -> Stream[bytes]:
        """The video of a sound while it is made. Raises `BadInput` where the service tells only a path."""
        response = await self._asked(sound, {**wishes, "stream": True})
        async with aclosing(response):
            if not _is_video(response):
                raise BadInput(
                    f"the animation service at {self._far.base} makes whole videos only: ask without 'stream'"
                )
            async with aclosing(self._chunks(response)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _asked(self, sound: str, wishes: dict[str, Any]) -> httpx.Response:
        name = "audio" if self._route == _BACKEND else "byte_str"
        headers = {"accept": f"{_KIND}, application/json;q=0.5"}
        try:
            return await self._far.send("POST", self._route, json={name: sound, **wishes}, headers=headers)
        except Refused as error:
            if error.status in (400, 413, 422):  # it is our client's mistake, and theirs to read
                raise BadInput(excerpt(error.said)) from None
            raise

    async def _chunks(self, response: httpx.Response) -> Stream[bytes]:
        async with aclosing(response.aiter_bytes()) as chunks:  # type: ignore[type-var]
            while (chunk := await self._far.in_time(anext(chunks, None))) is not None:
                yield chunk

    async def _path(self, response: httpx.Response) -> str:
        text = await self._far.text(response)
        try:
            answer = json.loads(text)
            path = next(answer[key] for key in ("video_path", "wav2lip_result") if key in answer)
        except (ValueError, TypeError, StopIteration):
            path = None
        if not isinstance(path, str):
            self._far.refuse_page(text)
            raise self._far.failed(f"did not answer as an animation service: {excerpt(text)}", self._far.remedies[404])
        return path


def _is_video(response: httpx.Response) -> bool:
    return bool(response.headers.get("content-type", "").startswith(_KIND))
