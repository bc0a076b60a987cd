"""A card of the page: the engines behind the face, and better ones, fetched with a click while people go on asking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from visavis.ui.client import Gateway, GatewayRefused

_EVERY = 0.7
"""Seconds between two looks at how far it is."""
_SLOTS = {"asr": "Hears", "turn": "Waits", "llm": "Thinks", "tts": "Speaks"}
_OVER = {"cancelled": "Stopped. What has come is kept.", "done": "Done: it is used from now on."}
Updates = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class _Parts:
    card: gr.Column
    told: gr.Markdown
    state: gr.Markdown
    fetch: gr.Button
    stop: gr.Button


def card(gateway: Gateway, blocks: gr.Blocks) -> None:
    """Put it on the page, in the column of this moment, and say what happens in it."""
    with gr.Column(elem_id="engines", elem_classes="card", visible=False) as column:
        gr.Markdown("## Behind the face", elem_classes="legend")
        told = gr.Markdown("", sanitize_html=False, elem_id="engines-told")
        state = gr.Markdown("", sanitize_html=False, elem_id="engines-state")
        with gr.Row():
            fetch = gr.Button("Fetch", visible=False, elem_id="engines-fetch")
            stop = gr.Button("Stop", variant="stop", visible=False, size="sm", min_width=0, elem_id="engines-stop")
    parts = _Parts(column, told, state, fetch, stop)
    does = _Happenings(gateway, parts)
    every = [column, told, state, fetch, stop]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    blocks.load(does.follow, None, every, **quiet)
    fetch.click(does.fetch, None, every, **quiet)
    stop.click(does.stop, None, every, **quiet)


class _Happenings:
    def __init__(self, gateway: Gateway, parts: _Parts) -> None:
        self._gateway, self._parts = gateway, parts

    async def fetch(self, request: gr.Request) -> AsyncGenerator[Updates, None]:
        """Begin, and tell how far it is until it is over."""
        try:
            await self._gateway.engines("POST", _who(request))
        except GatewayRefused as refused:
            gr.Warning(str(refused))
        async for each in self.follow(request):
            yield each

    async def follow(self, request: gr.Request) -> AsyncGenerator[Updates, None]:
        """Tell what there is, and how far a fetching is."""
        while True:
            try:
                offer = await self._gateway.engines("GET", _who(request))
            except GatewayRefused:
                return  # the page says elsewhere that there is no gateway
            if offer is None:
                return
            yield self._shown(offer)
            if not _is_busy(offer):
                return
            await asyncio.sleep(_EVERY)

    async def stop(self, request: gr.Request) -> None:
        """Fetch no more; who follows it sees that."""
        try:
            await self._gateway.engines("DELETE", _who(request))
        except GatewayRefused as refused:
            gr.Warning(str(refused))

    def _shown(self, offer: Mapping[str, Any]) -> Updates:
        parts, busy = self._parts, _is_busy(offer)
        lacking = [each for each in offer["models"] if not each["is_here"]]
        begun = (offer["job"] or {}).get("state") in ("cancelled", "failed")
        words = f"{'Go on' if begun else 'Fetch'}: {_size(offer['bytes'])}"
        return {
            parts.card: gr.update(visible=True),
            parts.told: _used(offer["used"]) + _models(lacking) + _extras(offer["extras"]),
            parts.state: _state(offer, bool(lacking)),
            parts.fetch: gr.update(visible=bool(lacking) and offer["may"] and not busy, value=words),
            parts.stop: gr.update(visible=busy and offer["job"]["state"] == "pulling"),
        }


def _who(request: gr.Request) -> str:
    return request.client.host if request.client else ""


def _is_busy(offer: Mapping[str, Any]) -> bool:
    return offer["job"] is not None and offer["job"]["state"] in ("pulling", "loading")


def _used(used: list[dict[str, Any]]) -> str:
    rows = "".join(
        f'<div><dt>{_SLOTS[each["slot"]]}</dt><dd title="{escape(each["about"])}">'
        f"{escape(each['model'] or each['name'])} <small>{escape(each['licence'])}</small></dd></div>"
        for each in used
        if each["slot"] in _SLOTS
    )
    return f'<dl class="engines">{rows}</dl>'


def _models(lacking: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<li><strong>{escape(each['title'])}</strong><span>{escape(each['purpose'])}</span>"
        f'<small>{_size(each["bytes"])} · <a href="{escape(each["licence_url"])}" target="_blank" rel="noopener">'
        f"{escape(each['licence'])}</a></small></li>"
        for each in lacking
    )
    return f'<p class="hint">Better ones, to be fetched once:</p><ul class="models">{rows}</ul>' if lacking else ""


def _extras(typed: str) -> str:
    return f'<p class="hint">For still better ones, on the server: <code>{escape(typed)}</code></p>' if typed else ""


def _state(offer: Mapping[str, Any], lacks: bool) -> str:
    job = offer["job"]
    if job is not None and job["state"] == "pulling":
        left = "" if job["remaining"] is None else f", {_left(job['remaining'])} left"
        words = f"{job['title']}: {_size(job['done'])} of {_size(job['total'])}{left}"
        bar = f'<progress max="{job["total"]}" value="{job["done"]}" aria-label="Fetching"></progress>'
        return f"<p>{escape(words)}</p>{bar}"
    if job is not None and job["state"] == "loading":
        return '<p role="status">Taking over …</p>'
    if job is not None and job["state"] == "failed":
        return f'<p class="trouble" role="alert">{escape(job["message"])}</p>'
    if lacks and not offer["may"]:
        return f'<p class="hint">To have them, {escape(offer["why"])}</p>'
    if job is not None:
        return f'<p class="hint" role="status">{_OVER[job["state"]]}</p>'
    return f'<p class="hint">It takes {escape(offer["time"])}. You can go on asking meanwhile.</p>' if lacks else ""


def _size(count: float) -> str:
    return f"{max(round(count / 1e6), 1)} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def _left(seconds: float) -> str:
    return f"{max(round(seconds / 10), 1) * 10} s" if seconds < 90 else f"{round(seconds / 60)} min"
