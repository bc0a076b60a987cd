"""The page: a face that answers in a video or live, what is asked, what was said, and whom and how one asks."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

# before Gradio is imported: it asks nobody about itself
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import gradio as gr
from fastapi import FastAPI
from gradio.routes import mount_gradio_app

from visavis.ui import engines, show
from visavis.ui.client import Gateway
from visavis.ui.talk import READY, Happenings, Parts, Talk, Updates
from visavis.ui.theme import style, theme

EXAMPLES = ("Who are you?", "What is the moon made of?", "Why is the sky blue?", "Tell me something nice.")
_LONGEST = 2000
"""Characters of a question, as on the live page."""
_SWEEP, _KEPT = 600, 3600
"""Seconds between looking for files that nobody needs any more, and for which one is kept."""


def built(gateway: Gateway, folder: Path, path: str, most: int) -> FastAPI:
    """An app of Gradio's with the page at `path`; its files go into `folder`, uploads of at most `most` bytes."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    app = FastAPI()
    mount_gradio_app(
        app,
        page(gateway, folder),
        path=path,
        max_file_size=most,
        ssr_mode=False,
        mcp_server=False,
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        footer_links=[],
        theme=theme(),
        css=style(),
    )
    return app


def page(gateway: Gateway, folder: Path) -> gr.Blocks:
    """Everything that is seen, and what happens."""
    blocks: gr.Blocks
    with gr.Blocks(
        title="Visavis: ask a face", analytics_enabled=False, fill_width=True, delete_cache=(_SWEEP, _KEPT)
    ) as blocks:
        gr.Markdown(show.header(), sanitize_html=False, elem_id="masthead")
        with gr.Row(elem_id="room"):
            with gr.Column(scale=5, min_width=320, elem_id="facing"):
                parts, tabs = _facing()
            with gr.Column(scale=3, min_width=320, elem_id="beside"):
                parts, upload = _beside(parts)
                engines.card(gateway, blocks)
        happenings = Happenings(gateway, folder, Parts(**parts))
        _wire(blocks, happenings, Parts(**parts), tabs, upload)
    blocks.queue(default_concurrency_limit=None, api_open=False)
    return blocks


def _facing() -> tuple[dict[str, Any], tuple[gr.Tab, gr.Tab]]:
    """The face, and the question under it."""
    parts: dict[str, Any] = {"talk": gr.State(Talk())}
    with gr.Tabs(elem_id="ways"):
        with gr.Tab("Ask", id="ask") as ask:
            parts["stage"] = gr.Markdown(show.stage(None, ""), sanitize_html=False, elem_id="stage")
            with gr.Row(elem_id="doing"):
                parts["status"] = gr.Markdown(show.status(READY), sanitize_html=False, elem_id="status")
                parts["stop"] = gr.Button("Stop", variant="stop", visible=False, size="sm", elem_id="stop")
            parts["text"] = gr.Textbox(
                show_label=False,
                label="Question",
                placeholder="Ask something",
                max_lines=4,
                max_length=_LONGEST,
                submit_btn=True,
                container=False,
                elem_id="text",
                html_attributes=gr.InputHTMLAttributes(enterkeyhint="send"),
            )
            with gr.Row(elem_id="aloud"):
                parts["sound"] = gr.Audio(
                    show_label=False,
                    label="Spoken question",
                    sources=["microphone"],
                    type="filepath",
                    buttons=[],
                    container=False,
                    min_width=0,
                    elem_id="sound",
                )
                parts["file"] = gr.UploadButton(
                    "Send a recording", file_types=["audio"], size="sm", min_width=0, elem_id="file"
                )
            with gr.Row(elem_id="examples"):
                parts["examples"] = tuple(gr.Button(each, size="sm", min_width=0) for each in EXAMPLES)
        with gr.Tab("Talk live", id="live") as live:
            parts["live"] = gr.Markdown("", sanitize_html=False, elem_id="live")
    return parts, (ask, live)


def _beside(parts: dict[str, Any]) -> tuple[dict[str, Any], gr.UploadButton]:
    """What was said; whom and how one asks."""
    with gr.Column(elem_id="who", elem_classes="card") as choosing:
        gr.Markdown("## Face", elem_classes="legend")
        parts["faces"] = gr.Gallery(
            show_label=False,
            label="Face",
            columns=4,
            allow_preview=False,
            object_fit="cover",
            interactive=False,
            buttons=[],
            height="auto",
            elem_id="faces",
        )
        upload = gr.UploadButton("Your own picture or video", file_types=["image", "video"], elem_id="upload")
        gr.Markdown("Use pictures of people who agreed to it.", elem_classes="hint")
        with gr.Row(elem_id="how"):
            parts["voice"] = gr.Dropdown([("The face’s own", "")], value="", label="Voice", min_width=150)
            parts["language"] = gr.Dropdown([], label="Language", min_width=150)
        parts["animator"] = gr.Radio([], label="Animator", elem_id="animator")
    parts["choosing"] = choosing
    with gr.Column(elem_id="said", elem_classes="card"):
        with gr.Row(elem_id="said-head"):
            gr.Markdown("## Conversation", elem_classes="legend")
            parts["save"] = gr.DownloadButton("Save the video", size="sm", visible=False, min_width=0, elem_id="save")
            parts["clear"] = gr.Button("Clear", size="sm", visible=False, min_width=0, elem_id="clear")
        parts["transcript"] = gr.Markdown(show.transcript(()), sanitize_html=False, elem_id="transcript")
    return parts, upload


def _wire(
    blocks: gr.Blocks, does: Happenings, parts: Parts, tabs: tuple[gr.Tab, gr.Tab], upload: gr.UploadButton
) -> None:
    """Say what happens at what; nothing of it is an interface for programs, who have the gateway's own."""
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    every = [getattr(parts, name) for name in Parts.__slots__ if name != "examples"] + list(parts.examples)
    manner = [parts.voice, parts.language, parts.animator]
    blocks.load(does.arrive, None, every, **quiet)
    typed = [parts.talk, parts.text, *manner]
    spoken = [parts.talk, parts.sound, *manner]
    asked: list[Any] = [
        parts.text.submit(does.ask, typed, every, **quiet),
        parts.sound.stop_recording(does.ask_aloud, spoken, every, **quiet),
        parts.file.upload(does.ask_aloud, [parts.talk, parts.file, *manner], every, **quiet),
    ]
    for button, words in zip(parts.examples, EXAMPLES, strict=True):
        asked.append(button.click(_example(does, words), [parts.talk, *manner], every, **quiet))
    parts.stop.click(does.stopped, [parts.talk], every, cancels=asked, **quiet)
    parts.clear.click(does.clear, [parts.talk], every, **quiet)
    parts.faces.select(does.choose, [parts.talk], every, **quiet)
    parts.language.input(does.speak, [parts.talk, parts.language], every, **quiet)
    upload.upload(does.bring, [parts.talk, upload], every, **quiet)
    ask, live = tabs
    live.select(does.live, None, every, **quiet)
    ask.select(does.dead, None, every, **quiet)


def _example(does: Happenings, words: str) -> Callable[..., AsyncGenerator[Updates, None]]:
    async def ask(
        talk: Talk, voice: str | None, language: str | None, animator: str | None, request: gr.Request
    ) -> AsyncGenerator[Updates, None]:
        async for each in does.ask(talk, words, voice, language, animator, request):
            yield each

    return ask
