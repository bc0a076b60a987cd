"""The page's files among themselves and against the server's schema: what no browser needs to run to be wrong."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest

import visavis
from visavis.gateway import events

WEB = Path(visavis.__file__).with_name("web")
FILES = sorted(path for path in WEB.iterdir() if path.is_file())
MODULES = [path for path in FILES if path.suffix == ".js"]
NAMESPACE = "http://www.w3.org/2000/svg"
TEXT = {path.name: path.read_text(encoding="utf-8") for path in FILES}
SCRIPT = "\n".join(TEXT[path.name] for path in MODULES)


class Tags(HTMLParser):
    """Every start tag of the page with its attributes and the text within it."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[int, str] = {}
        self._open: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input", "img", "path", "rect", "circle", "use"):
            self._open.append((tag, len(self.all) - 1))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _, index in self._open:
            self.words[index] = self.words.get(index, "") + data.strip()


@pytest.fixture(scope="module")
def tags() -> Tags:
    parser = Tags()
    parser.feed(TEXT["index.html"])
    return parser


def kinds(union: object) -> set[str]:
    """The `type` of every event of an annotated union."""
    return {event.model_fields["type"].default for event in get_args(get_args(union)[0])}


def test_the_page_takes_at_most_300_kb() -> None:
    assert sum(path.stat().st_size for path in FILES) <= 300_000


@pytest.mark.parametrize("name", TEXT)
def test_no_file_is_too_long_to_be_read(name: str) -> None:
    assert TEXT[name].count("\n") <= 400


@pytest.mark.parametrize("name", TEXT)
def test_no_file_names_another_host(name: str) -> None:
    text = TEXT[name].replace(NAMESPACE, "")
    assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}", text)


def test_nothing_is_inline_that_the_content_security_policy_forbids(tags: Tags) -> None:
    for tag, attributes in tags.all:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    assert not re.search(r"\beval\(|new Function\(|setAttribute\(\"style\"|innerHTML|insertAdjacentHTML", SCRIPT)


def test_every_file_that_is_asked_for_is_there(tags: Tags) -> None:
    asked = [
        value for _, a in tags.all for key in ("href", "src") if (value := a.get(key) or "").startswith("/static/")
    ]
    asked += re.findall(r'"(/static/[^"]+)"', SCRIPT)
    assert asked
    imported = re.findall(r'from "\./([^"]+)"', SCRIPT) + [value.removeprefix("/static/") for value in asked]
    assert {name for name in imported if name not in TEXT} == set()


def test_every_module_is_used(tags: Tags) -> None:
    used = set(re.findall(r'from "\./([^"]+)"', SCRIPT)) | set(re.findall(r'"/static/([^"]+\.js)"', SCRIPT))
    used |= {(a.get("src") or "").removeprefix("/static/") for tag, a in tags.all if tag == "script"}
    assert {path.name for path in MODULES} - used == set()


def test_every_imported_name_is_exported() -> None:
    for names, module in re.findall(r'import \{([^}]+)\} from "\./([^"]+)"', SCRIPT):
        for name in (each.strip() for each in names.split(",") if each.strip()):
            assert re.search(rf"export (?:async )?(?:function|class|const) {name}\b", TEXT[module]), (name, module)


def test_every_element_that_a_module_asks_for_is_on_the_page(tags: Tags) -> None:
    ids = [attributes["id"] for _, attributes in tags.all if "id" in attributes]
    assert len(ids) == len(set(ids))
    asked = set(re.findall(r'\bat\("([^"$]+)"\)', SCRIPT)) | set(re.findall(r'\bicon\("([^"]+)"\)', SCRIPT))
    asked |= {(a.get("href") or "")[1:] for tag, a in tags.all if tag == "use"}
    for _, attributes in tags.all:
        for name in ("for", "aria-controls", "aria-labelledby", "aria-describedby"):
            asked.update((attributes.get(name) or "").split())
    assert asked - set(ids) == set()


def test_whatever_can_be_pressed_or_filled_in_has_a_name(tags: Tags) -> None:
    labelled = {attributes.get("for") for tag, attributes in tags.all if tag == "label"}
    wrapped = {"push-to-talk", "half-duplex", "subtitles-on"}  # inside their labels
    for index, (tag, attributes) in enumerate(tags.all):
        if tag == "button":
            assert attributes.get("aria-label") or tags.words.get(index), attributes
        if tag in ("input", "select") and "hidden" not in attributes and attributes.get("type") != "radio":
            assert attributes["id"] in labelled | wrapped, attributes


def test_the_page_takes_every_event_of_the_server() -> None:
    taken = set(re.findall(r"^    (\w+)(?:\(|:)", TEXT["receive.js"], re.MULTILINE)) | {"pong"}
    assert kinds(events.ServerEvent) - taken == set()


def test_the_page_sends_events_of_the_schema_only() -> None:
    sent = set(re.findall(r"\bsend\(\{ type: \"(\w+)\"", SCRIPT))
    assert sent == kinds(events.PageEvent)


def test_page_and_server_mean_the_same_numbers() -> None:
    constants = dict(re.findall(r"^(?:export )?const (\w+) = (\d+);", TEXT["wire.js"], re.MULTILINE))
    assert int(constants["VERSION"]) == events.VERSION
    assert (int(constants["SOUND"]), int(constants["PICTURE"])) == (events.SOUND, events.PICTURE)
    assert int(constants["HEADER"]) == events.HEADER.size


def test_it_says_that_the_face_is_made_by_ai(tags: Tags) -> None:
    assert "AI-generated" in tags.words.values()


def test_motion_stops_for_whoever_wants_less_of_it() -> None:
    assert "prefers-reduced-motion: reduce" in TEXT["style.css"]
