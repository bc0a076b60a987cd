"""What is written is said as a person would say it."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from visavis.conversation.spoken import spoken

TABLE = [
    # numbers
    ("The moon is 384,400 km away.", "The moon is three hundred eighty-four thousand four hundred kilometers away."),
    ("12,345,678", "twelve million three hundred forty-five thousand six hundred seventy-eight"),
    ("3.14159 and 0.05", "three point one four one five nine and zero point zero five"),
    ("agent 007", "agent zero zero seven"),
    ("the 21st century, 2nd place", "the twenty-first century, second place"),
    ("1/2 cup and 2 2/3 spoons", "one half cup and two and two thirds spoons"),
    ("½ an hour", "one half an hour"),
    ("10-20 people", "ten to twenty people"),
    ("It was -5 outside", "It was minus five outside"),
    ("a 5-year-old", "a five-year-old"),
    ("1.5 billion", "one point five billion"),
    ("3x faster", "three times faster"),
    ("#1 and No. 5", "number one and number five"),
    ("24/7, 50/50", "twenty-four seven, fifty fifty"),
    ("Version 2.0.1", "Version two point zero point one"),
    # years and dates
    ("In 1905 there were 1905 people.", "In nineteen oh five there were one thousand nine hundred five people."),
    ("in the 1990s and the '80s", "in the nineteen nineties and the eighties"),
    ("2020-2024", "twenty twenty to twenty twenty-four"),
    ("July 4th, 1776", "July fourth, seventeen seventy-six"),
    ("5 January 2024", "the fifth of January twenty twenty-four"),
    ("2024-01-05", "January fifth, twenty twenty-four"),
    ("12/25/2023", "December twenty-fifth, twenty twenty-three"),
    # clocks
    ("at 10:30 am", "at ten thirty A M"),
    ("We left at 5 p.m. Then it rained.", "We left at five P M. Then it rained."),
    ("at 5 p.m. we left", "at five P M we left"),
    ("10am-5pm", "ten A M to five P M"),
    ("at 12:00", "at twelve o'clock"),
    ("It's 5 o'clock", "It's five o'clock"),
    # money
    ("It costs $3.50.", "It costs three dollars and fifty cents."),
    ("$1.01, $0.99", "one dollar and one cent, ninety-nine cents"),
    ("I paid £1,200", "I paid one thousand two hundred pounds"),
    ("€2.50 or 99 €", "two euros and fifty cents or ninety-nine euros"),
    ("$2.5M and $5 million", "two point five million dollars and five million dollars"),
    ("USD 50", "fifty dollars"),
    # measures
    ("25°C or -40 °F", "twenty-five degrees Celsius or minus forty degrees Fahrenheit"),
    ("72° today", "seventy-two degrees today"),
    ("5% of 1 kg", "five percent of one kilogram"),
    ("90 km/h, 9.8 m/s²", "ninety kilometers per hour, nine point eight meters per second squared"),
    ("100 m and 10 m²", "one hundred meters and ten square meters"),
    ("16 GB of RAM at 5 GHz", "sixteen gigabytes of RAM at five gigahertz"),
    ("I'm 5'10\" tall", "I'm five foot ten tall"),
    ("6 ft. tall", "six feet tall"),
    # arithmetic
    ("1 + 1 = 2", "one plus one equals two"),
    ("2^10 = 1024", "two to the power of ten equals one thousand twenty-four"),
    ("2 * 3 is 6", "two times three is six"),
    ("~5 and <5", "about five and less than five"),
    # names
    ("NASA, the FBI and two CPUs", "NASA, the F B I and two C P U's"),
    ("H2O, MP3, COVID-19, GPT-4", "H two O, M P three, COVID nineteen, G P T four"),
    ("Louis XIV, Chapter IV", "Louis the fourteenth, Chapter four"),
    ("STOP IT RIGHT NOW", "stop it right now"),
    ("I live in the U.S.", "I live in the U S."),
    ("Dr. Smith and Mrs. Jones vs. St. Paul", "Doctor Smith and Missus Jones versus Saint Paul"),
    ("e.g., apples, i.e. fruit, etc.", "for example apples, that is fruit, et cetera."),
    ("C# and C++", "C sharp and C plus plus"),
    # addresses
    ("See https://www.example.com/about.", "See example dot com slash about."),
    ("https://example.org/a?b=1&c=2", "example dot org slash a"),
    ("Write to jane.doe@example.co.uk!", "Write to jane dot doe at example dot co dot U K!"),
    ("call 555-123-4567", "call five five five, one two three, four five six seven"),
    ("192.168.1.1", "one nine two dot one six eight dot one dot one"),
    # symbols
    ("R&B, salt & pepper", "R and B, salt and pepper"),
    ("and/or, he/she", "and or, he or she"),
    # markdown and emoji
    ("**Bold**, _it_, `code` and [a link](http://a.b)", "Bold, it, code and a link"),
    ("# Title\n\n- one\n- two\n", "Title. one. two"),
    ("| a | b |\n|---|---|\n| 1 | 2 |", "a, b. one, two"),
    ("Try this: ```python\nprint\n```", "Try this: print"),
    ("Type ```bash ls -l``` here", "Type ls -l here"),
    ("The ```the cat``` sat", "The the cat sat"),
    ("One<br>two &amp; three[^1], [four][2]", "One two and three, four"),
    ("> quoted\n> twice", "quoted. twice"),
    ("I ate 🍕🍕 today 😀!", "I ate pizza today!"),
    ("👍 Great ❤️", "Great"),
    ("a 🐶 and a ☕", "a dog and a hot beverage"),
    # what is a word already
    ("“Yes,” she said… naïve café?", "“Yes,” she said… naïve café?"),
    ("Don't — it's John's Wi-Fi.", "Don't — it's John's Wi-Fi."),
]


@pytest.mark.parametrize(("written", "said"), TABLE)
def test_english_is_said_as_a_person_would_say_it(written: str, said: str) -> None:
    assert spoken(written, "en") == said


@pytest.mark.parametrize(("written", "said"), TABLE)
def test_what_was_put_into_words_stays_as_it_is(written: str, said: str) -> None:
    assert spoken(said, "en-GB") == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Das** kostet 3,50 € 🍕!", "Das kostet 3,50 € !"),
        ("你好，*世界* 😀", "你好，世界"),
        ("Le 5 mai, 10 km/h", "Le 5 mai, 10 km/h"),
    ],
)
def test_other_languages_keep_their_numbers_and_lose_markdown_and_emoji(written: str, said: str) -> None:
    assert spoken(written, "de") == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "😀",
        "👍🏽🎉",
        "---",
        "===",
        "...",
        "\n\n",
        "```",
        "```python",
        "  ```c++ ",
        "~~~ js",
        "<br>",
        "<!-- x -->",
    ],
)
def test_nothing_to_say_is_empty(text: str) -> None:
    assert spoken(text, "en") == ""


@pytest.mark.parametrize("text", ["```\nx\n```", "[ ](a)1", "* * a", "__init__", "![pizza](x.png)", "<b>hi</b>", "5"])
def test_something_to_say_is_never_empty(text: str) -> None:
    assert any(map(str.isalnum, spoken(text, "en"))) == any(map(str.isalnum, text))


@pytest.mark.parametrize(
    "bit", ["1", "a", "(", "*", "[", "_", "**a", "[a](", "1,", "1-", "1/", "A.", "a@", "5 km ", "🍕", "²"]
)
def test_fifty_thousand_characters_take_a_moment(bit: str) -> None:
    def cost(length: int) -> float:
        text = (bit * length)[:length]
        begin = time.thread_time()
        spoken(text, "en")
        return time.thread_time() - begin

    cost(100)
    assert cost(50_000) < 4.0


def test_any_text_becomes_one_line_of_words_without_digits() -> None:
    random.seed(0)
    letters = "0123456789 .,:;-/*_[]()|#$€%@+=<>aAbBVm\n'\"`~^&!éß🍕😀½"
    for _ in range(1500):
        text = "".join(random.choice(letters) for _ in range(random.randint(1, 60)))
        said = spoken(text, "en")
        assert "\n" not in said
        assert not any(c.isdecimal() for c in said), (text, said)


def test_many_threads_may_ask_at_once() -> None:
    texts = [f"{n} km at {n % 12 + 1}:{n % 60:02d} pm" for n in range(200)]
    alone = [spoken(text, "en") for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: spoken(text, "en"), texts)) == alone
