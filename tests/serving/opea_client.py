"""Applications as OPEA's users write them, for a Python that has `opea-comps`: chains of its orchestrator, and tools.

    python opea_client.py v1.1|v1.2|stream|tools ADDRESSES SOUND RESULT

ADDRESSES is JSON with the services' addresses, SOUND a file with base64 of a recording, RESULT a file for what came of
it, as JSON. v1.1 and v1.2 are AvatarChatbot's two forms; `stream` is the first half of the first, streamed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from comps import MicroService, ServiceOrchestrator, ServiceType  # type: ignore[import-not-found]
from comps.cores.proto.docarray import LLMParams  # type: ignore[import-not-found]

FIRST = {
    "asr": "/v1/audio/transcriptions",
    "llm": "/v1/chat/completions",
    "tts": "/v1/audio/speech",
    "animation": "/v1/animation",
}
SECOND = {"asr": "/v1/asr", "llm": "/v1/chat/completions", "tts": "/v1/tts", "animation": "/v1/animation"}


class First(ServiceOrchestrator):  # type: ignore[misc]
    """v1.1: what one service answers is what the next one is sent."""

    def align_inputs(self, inputs: dict[str, Any], node: str, *rest: Any, **more: Any) -> dict[str, Any]:
        """The same; one parameter of the model had another name then."""
        if self.services[node].service_type == ServiceType.LLM:
            inputs["streaming"] = inputs.pop("stream")
        return inputs


class Second(ServiceOrchestrator):  # type: ignore[misc]
    """v1.2 on: the backends behind the services, each with a request of its own."""

    def align_inputs(
        self, inputs: dict[str, Any], node: str, graph: object, parameters: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        """What the service is sent, of what the one before it answered."""
        kind = self.services[node].service_type
        if kind == ServiceType.LLM:
            kept = ("max_tokens", "top_p", "stream", "frequency_penalty", "temperature")
            question = {"role": "user", "content": inputs["asr_result"]}
            return {"model": "tgi", "messages": [question], **{key: parameters[key] for key in kept}}
        if kind == ServiceType.TTS:
            return {"text": inputs["choices"][0]["message"]["content"], "voice": "default"}
        return {"byte_str": inputs["tts_result"]} if kind == ServiceType.ANIMATION else inputs


async def chain(
    kind: type[Any], paths: dict[str, str], addresses: dict[str, str], question: dict[str, str], streamed: bool
) -> dict[str, Any]:
    """What each service answered, by its name; of a stream, its pieces."""
    orchestrator, before = kind(), None
    for name, path in paths.items():
        url = urlsplit(addresses[name])
        service = MicroService(
            name=name,
            host=url.hostname,
            port=url.port,
            endpoint=path,
            use_remote_service=True,
            service_type=ServiceType[name.upper()],
        )
        orchestrator.add(service)
        if before is not None:
            orchestrator.flow_to(before, service)
        before = service
    parameters = LLMParams(max_tokens=64, stream=streamed)
    answers, _ = await orchestrator.schedule(initial_inputs=question, llm_parameters=parameters)
    told = {node.partition("/")[0]: answer for node, answer in answers.items()}
    if streamed:
        told["llm"] = [piece.decode() async for piece in told["llm"].body_iterator]
    return told


async def tools(addresses: dict[str, str], sound: str) -> dict[str, Any]:
    """What the tools of a recogniser and of a synthesizer answered."""
    from mcp import ClientSession
    from mcp.client.sse import sse_client

    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "asr": ("audio_to_text", {"file": sound, "model": "openai/whisper-small", "language": "english"}),
        "tts": ("text_to_speech", {"request": {"input": "Hi there, welcome to OPEA."}}),
    }
    told = {}
    for name, (tool, arguments) in calls.items():
        async with sse_client(addresses[name] + "/sse") as streams, ClientSession(*streams) as session:
            await session.initialize()
            result: Any = await session.call_tool(tool, arguments)
            told[name] = json.loads(result.content[0].text)
    return told


async def main(what: str, addresses: dict[str, str], sound: str) -> dict[str, Any]:
    """What came of it."""
    match what:
        case "v1.1":
            return await chain(First, FIRST, addresses, {"byte_str": sound}, streamed=False)
        case "v1.2":
            return await chain(Second, SECOND, addresses, {"audio": sound}, streamed=False)
        case "stream":
            half = {name: FIRST[name] for name in ("asr", "llm")}
            return await chain(First, half, addresses, {"byte_str": sound}, streamed=True)
        case _:
            return await tools(addresses, sound)


if __name__ == "__main__":
    told = asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3]).read_text()))
    Path(sys.argv[4]).write_text(json.dumps(told))
