"""The page's looks: paper and ink as on the live page, by day and by night, with the fonts that a machine has."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

STYLE = Path(__file__).with_name("style.css")
_SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif")
_MONO = ("ui-monospace", "SF Mono", "Menlo", "DejaVu Sans Mono", "monospace")
_COLOURS = {
    "paper": ("#f1efe9", "#101413"),
    "raised": ("#fbfaf7", "#1a201e"),
    "sunk": ("#e7e4dc", "#262d2b"),
    "ink": ("#1c2422", "#ecebe3"),
    "soft": ("#5a6662", "#9ba8a3"),
    "line": ("#1c242220", "#ecebe31f"),
    "leaf": ("#26594f", "#8cc9b8"),
    "on-leaf": ("#f8f5ec", "#10211d"),
    "ember": ("#b8401c", "#ff8a5c"),
    "clear": ("transparent", "transparent"),
}
"""By day, by night: those of web/style.css."""
_USES = {
    "body_background_fill": "paper",
    "body_text_color": "ink",
    "body_text_color_subdued": "soft",
    "background_fill_primary": "raised",
    "background_fill_secondary": "sunk",
    "border_color_accent": "leaf",
    "border_color_primary": "line",
    "color_accent_soft": "sunk",
    "link_text_color": "leaf",
    "link_text_color_hover": "leaf",
    "link_text_color_active": "leaf",
    "link_text_color_visited": "leaf",
    "block_background_fill": "clear",
    "block_border_color": "line",
    "block_info_text_color": "soft",
    "block_label_background_fill": "clear",
    "block_label_text_color": "soft",
    "block_title_text_color": "ink",
    "checkbox_label_background_fill": "raised",
    "checkbox_label_background_fill_hover": "sunk",
    "checkbox_label_background_fill_selected": "leaf",
    "checkbox_label_border_color": "line",
    "checkbox_label_border_color_selected": "leaf",
    "checkbox_label_text_color": "ink",
    "checkbox_label_text_color_selected": "on-leaf",
    "input_background_fill": "raised",
    "input_background_fill_focus": "raised",
    "input_border_color": "line",
    "input_border_color_focus": "leaf",
    "input_placeholder_color": "soft",
    "button_primary_background_fill": "leaf",
    "button_primary_background_fill_hover": "leaf",
    "button_primary_border_color": "leaf",
    "button_primary_text_color": "on-leaf",
    "button_secondary_background_fill": "raised",
    "button_secondary_background_fill_hover": "sunk",
    "button_secondary_border_color": "line",
    "button_secondary_text_color": "ink",
    "button_cancel_background_fill": "raised",
    "button_cancel_background_fill_hover": "sunk",
    "button_cancel_border_color": "ember",
    "button_cancel_text_color": "ember",
    "error_background_fill": "raised",
    "error_border_color": "ember",
    "error_text_color": "ink",
    "error_icon_color": "ember",
}
"""What Gradio names, in our colours."""


def theme() -> gr.themes.Base:
    """Gradio's, without a font or a style from elsewhere."""
    made = gr.themes.Base(
        primary_hue=gr.themes.colors.emerald, neutral_hue=gr.themes.colors.stone, font=_SANS, font_mono=_MONO
    )
    values = {}
    for name, colour in _USES.items():
        values[name], values[f"{name}_dark"] = _COLOURS[colour]
    return made.set(
        **values,
        color_accent="#26594f",
        block_border_width="0px",
        block_shadow="none",
        block_padding="0",
        block_title_text_size="15px",
        block_title_text_weight="500",
        block_radius="18px",
        input_radius="14px",
        input_shadow="none",
        input_shadow_focus="0 0 0 1.5px var(--leaf)",
        input_border_width="1px",
        button_large_radius="999px",
        button_medium_radius="999px",
        button_small_radius="999px",
        button_large_text_weight="500",
        button_medium_text_weight="500",
        button_border_width="1px",
        checkbox_label_border_width="1px",
        checkbox_label_shadow="none",
        layout_gap="18px",
    )


def style() -> str:
    """The page's own CSS: the colours as variables, then what uses them."""
    day = "".join(f"--{name}: {light};" for name, (light, _) in _COLOURS.items())
    night = "".join(f"--{name}: {dark};" for name, (_, dark) in _COLOURS.items())
    return f":root {{{day}}} :root.dark, :root .dark {{{night}}}\n{STYLE.read_text('utf-8')}"
