"""The page's clock, subtitles and timings, in the browser that will run them; nobody waits and nothing is played."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, sync_playwright

import visavis
from visavis.gateway import events

WEB = Path(visavis.__file__).with_name("web")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ORIGIN = "http://page.test"
TYPES = {".js": "text/javascript", ".html": "text/html"}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="install chromium: the page's laws are tested in it")


@pytest.fixture(scope="module")
def page() -> Generator[Page, None, None]:
    """An empty page that can import the modules; nothing leaves this process."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ORIGIN}/")
        if not name:
            route.fulfill(body="<!doctype html>", content_type="text/html")
        elif (path := WEB / name).is_file():
            route.fulfill(body=path.read_bytes(), content_type=TYPES[path.suffix])
        else:
            route.abort()

    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page()
        page.route("**/*", answer)
        page.goto(f"{ORIGIN}/")
        yield page
        browser.close()


def run(page: Page, module: str, names: str, body: str, argument: Any = None) -> Any:
    """What `body` returns, a function's body that sees `names` of a module and `argument`."""
    return page.evaluate(f"async (argument) => {{ const {{ {names} }} = await import('/{module}'); {body} }}", argument)


RING = """
const ramp = (start, count) => Float32Array.from({ length: count }, (_, i) => (start + i) / 100000);
const play = (ring, count) => { const out = new Float32Array(count); ring.read(out, count); return [...out]; };
const ring = new Ring();
"""


def test_each_sample_is_heard_at_its_time(page: Page) -> None:
    heard = run(page, "ring.js", "Ring", RING + "ring.push(0, ramp(0, 4800)); play(ring, 999); return play(ring, 2);")
    assert heard == pytest.approx([0.00999, 0.01], abs=1e-6)


def test_sound_waits_until_there_is_enough_and_time_waits_with_it(page: Page) -> None:
    body = """
    ring.push(0, ramp(1, 2000)); play(ring, 128); const early = ring.position;
    ring.push(2000, ramp(2001, 2000)); play(ring, 128);
    return [early, ring.position, ring.stalled];
    """
    assert run(page, "ring.js", "Ring", RING + body) == [0, 128, 0]


def test_sound_that_runs_out_stops_the_clock_and_loses_nothing(page: Page) -> None:
    body = """
    ring.push(0, ramp(1, 3000)); play(ring, 4000); play(ring, 4000);
    const stopped = ring.position;
    ring.push(3000, ramp(3001, 3000));
    return [stopped, ring.stalled, play(ring, 1)[0]];
    """
    stopped, stalled, first = run(page, "ring.js", "Ring", RING + body)
    assert (stopped, stalled) == (3000, 1)
    assert first == pytest.approx(0.03001, abs=1e-6)


def test_what_lies_between_two_pieces_is_silence_of_its_length(page: Page) -> None:
    body = "ring.push(0, ramp(1, 3000)); ring.push(3500, ramp(1, 3000)); return play(ring, 3501);"
    heard = run(page, "ring.js", "Ring", RING + body)
    assert heard[2999] > 0
    assert heard[3000:3500] == [0] * 500
    assert heard[3500] > 0


def test_a_flush_is_silence_after_ten_milliseconds_and_no_fault(page: Page) -> None:
    body = """
    ring.push(0, new Float32Array(9600).fill(0.5)); play(ring, 1000); ring.flush();
    return [play(ring, 2000), ring.position, ring.stalled];
    """
    heard, position, stalled = run(page, "ring.js", "Ring", RING + body)
    assert heard[0] == pytest.approx(0.5)
    assert all(before >= after for before, after in pairwise(heard))
    assert heard[480:] == [0] * 1520
    assert (position, stalled) == (3000, 0), "and time goes on over it"


def test_after_a_flush_time_goes_on_for_as_long_as_its_silence_may_be_on_its_way(page: Page) -> None:
    body = """
    ring.push(0, new Float32Array(9600).fill(0.5)); play(ring, 1000); ring.flush(); play(ring, 9000);
    const stopped = ring.position; play(ring, 128);
    ring.push(1480, new Float32Array(1920)); ring.push(3400, new Float32Array(9600)); play(ring, 128);
    return [stopped, ring.position, ring.stalled];
    """
    assert run(page, "ring.js", "Ring", RING + body) == [1480 + 5760, 1480 + 5760 + 128, 0]


def test_a_voice_after_a_flush_is_heard_from_its_first_sample(page: Page) -> None:
    body = """
    ring.push(0, new Float32Array(9600).fill(0.5)); play(ring, 1000); ring.flush(); play(ring, 3000);
    ring.push(1480, ramp(1480, 1920)); play(ring, 128); const waiting = ring.position;
    ring.push(3400, ramp(3400, 1920));
    return [waiting, ...play(ring, 3840).filter((_, i) => i % 3839 === 0)];
    """
    heard = run(page, "ring.js", "Ring", RING + body)
    assert heard == pytest.approx([1480, 0.0148, 0.05319], abs=1e-6)


def test_after_a_flush_what_is_over_already_is_left_out(page: Page) -> None:
    body = """
    ring.push(0, new Float32Array(9600)); play(ring, 1000); ring.flush(); play(ring, 480);
    ring.push(900, ramp(900, 6000));
    return play(ring, 1)[0];
    """
    assert run(page, "ring.js", "Ring", RING + body) == pytest.approx(0.0148, abs=1e-6)


def test_a_machine_that_slept_goes_on_with_what_is_new(page: Page) -> None:
    body = "ring.push(0, ramp(1, 3000)); ring.push(48000 * 60, ramp(1, 4800)); play(ring, 1); return ring.position;"
    assert run(page, "ring.js", "Ring", RING + body) == 48_000 * 60 + 1


def test_sound_joins_a_silent_clock_where_it_is_now(page: Page) -> None:
    body = """
    const reports = []; const speaker = new Speaker((report) => reports.push(report));
    speaker.take({ join: 5000, run: 3, posted: 1, start: 5000, samples: new Float32Array(9600) }, 1.01);
    speaker.render(new Float32Array(128), 1.01);
    return [speaker.ring.position, reports[0].run, reports[0].playing];
    """
    assert run(page, "speaker.js", "Speaker", body) == [5000 + 480 + 128, 3, True]


def test_binary_messages_are_read_as_the_server_writes_them(page: Page) -> None:
    message = events.media_header(events.SOUND, 7, 2, 96_000.0) + (16_384).to_bytes(2, "little") + b"\x00\xc0"
    body = """
    const message = parse(Uint8Array.from(argument).buffer);
    return [message.kind, message.epoch, message.count, message.start, [...samplesOf(message)]];
    """
    read = run(page, "wire.js", "parse, samplesOf", body, list(message))
    assert read == [events.SOUND, 7, 2, 96_000, [0.5, -0.5]]


def test_the_microphone_is_written_as_the_server_reads_it(page: Page) -> None:
    body = "return [...new Uint8Array(soundMessage(Float32Array.of(1, -1, 0), 882))];"
    message = bytes(run(page, "wire.js", "soundMessage", body))
    assert events.HEADER.unpack(message[:16]) == (events.SOUND, 0, 3, 882.0)
    assert message[16:] == b"\xff\x7f\x01\x80\x00\x00"


@pytest.mark.parametrize(
    ("epoch", "current", "expected"), [(0, 1, True), (1, 1, False), (2, 1, False), (65_535, 0, True)]
)
def test_epochs_count_past_their_end(page: Page, epoch: int, current: int, expected: bool) -> None:
    assert run(page, "wire.js", "older", "return older(...argument);", [epoch, current]) is expected


SCRIPT = """
const script = new Script();
const say = (text, words, { index = 0, start = 0 } = {}) => script.add({ turn: 1, sentence: 0, text, index, epoch: 0,
  start, words: words.map((word, i) => ({ text: word, start: start + i * 100, end: start + i * 100 + 100 })) });
const shown = (position) => {
  const page = script.page(position, 50);
  return page?.tokens.slice(0, page.count).join(" ");
};
"""


def test_a_word_is_read_when_it_is_heard_as_it_is_written(page: Page) -> None:
    body = "say('Well, it is — now!', ['well', 'it', 'is', 'now']); return [99, 100, 250, 350].map(shown);"
    read = run(page, "script.js", "Script", SCRIPT + body)
    assert read == ["Well,", "Well, it", "Well, it is —", "Well, it is — now!"]


def test_a_number_is_read_as_it_is_written(page: Page) -> None:
    body = "say('In 42 days.', ['in', 'forty', 'two', 'days']); return [shown(150), shown(250), shown(350)];"
    assert run(page, "script.js", "Script", SCRIPT + body) == ["In 42", "In 42", "In 42 days."]


def test_words_that_will_not_be_heard_are_not_read(page: Page) -> None:
    body = (
        "say('one two three', ['one', 'two', 'three']); script.flush(150); return [script.heard(1, 1e9), shown(10000)];"
    )
    assert run(page, "script.js", "Script", SCRIPT + body) == ["one two", None]


def test_an_answer_that_goes_on_says_its_last_word_again_but_it_is_read_once(page: Page) -> None:
    body = """
    say('one two three', ['one', 'two', 'three']); script.flush(150);
    say('', ['two', 'three'], { index: 1, start: 1000 });
    return [script.heard(1, 900), script.heard(1, 1100)];
    """
    assert run(page, "script.js", "Script", SCRIPT + body) == ["one two", "one two three"]


def test_a_long_sentence_is_read_in_pages(page: Page) -> None:
    body = """
    const words = Array.from({ length: 40 }, (_, i) => `word${i}`); say(words.join(' '), words);
    return [script.page(0, 50).tokens.length, script.page(3900, 50).tokens.at(-1)];
    """
    count, last = run(page, "script.js", "Script", SCRIPT + body)
    assert count < 20
    assert last == "word39"


def test_an_answer_is_shown_once_and_only_when_it_is_heard(page: Page) -> None:
    body = """
    const turns = new Turns(() => performance.now() - 1000);
    turns.heard({ turn: 1, final: true, ended: 4800 }); turns.spoken({ turn: 1, start: 9600 });
    const seen = [[9000, 9000], [9600, 9599], [9600, 9600], [11520, 11520]].map((now) => turns.shown(...now));
    return seen.map((each) => each && [each.turn, each.waited >= 1]);
    """
    assert run(page, "turns.js", "Turns", body) == [None, None, [1, True], None]


def test_a_stage_is_summed_up_over_the_turns(page: Page) -> None:
    body = """
    const turns = new Turns(() => null);
    for (let turn = 1; turn <= 20; turn += 1) turns.timings({ type: "timings", turn, sent: turn / 10, word: null });
    return [turns.summary("sent"), turns.summary("word")];
    """
    sent, word = run(page, "turns.js", "Turns", body)
    assert sent == {"last": 2.0, "p50": 1.0, "p95": 1.9}
    assert word == {"last": None, "p50": None, "p95": None}


def test_the_capture_clock_takes_the_earliest_message_and_forgets_it_when_sound_was_lost(page: Page) -> None:
    body = """
    const clock = new CaptureClock();
    const before = clock.origin;
    const at = (i, lost) => clock.came(1000 + 20 * i + lost + (i % 7 ? 12 : 0), 20 * i);
    for (let i = 1; i <= 200; i += 1) at(i, 0);
    const first = clock.origin;
    for (let i = 201; i <= 400; i += 1) at(i, 300);
    return [before, first, clock.origin];
    """
    assert run(page, "microphone.js", "CaptureClock", body) == [None, 1000, 1300]
