"""English numbers in words: how many, which one, which year, how much money."""

from __future__ import annotations

import re

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_LONGEST = 15
"""Digits; more of them are read one by one."""
_COINS = {
    "$": ("dollar", "dollars", "cent", "cents"), "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"), "¥": ("yen", "yen", "", ""), "₹": ("rupee", "rupees", "paisa", "paise"),
    "¢": ("cent", "cents", "", ""),
}  # fmt: skip


def cardinal(digits: str) -> str:
    """'384,400' → 'three hundred eighty-four thousand four hundred'; '3.14' → 'three point one four'."""
    whole, _, fraction = digits.replace(",", "").partition(".")
    if (len(whole) > 1 and whole.startswith("0")) or len(whole) > _LONGEST:
        words = spelled(whole)
    else:
        words = _count(int(whole or "0"))
    return f"{words} point {spelled(fraction)}" if fraction else words


def spelled(digits: str) -> str:
    """'007' → 'zero zero seven'."""
    return " ".join(_ONES[int(digit)] for digit in digits if digit.isdecimal())


def ordinal(digits: str) -> str:
    """'21' → 'twenty-first'."""
    words = cardinal(digits)
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[cut:]
    if last in _ORDINALS:
        return words[:cut] + _ORDINALS[last]
    return words[:cut] + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year(digits: str) -> str:
    """'1999' → 'nineteen ninety-nine', '1905' → 'nineteen oh five', '2007' → 'two thousand seven'."""
    if len(digits) != 4 or digits[0] == "0" or digits[1:3] == "00":
        return cardinal(digits)
    century, rest = _count(int(digits[:2])), int(digits[2:])
    if rest == 0:
        return f"{century} hundred"
    return f"{century} oh {_ONES[rest]}" if rest < 10 else f"{century} {_count(rest)}"


def decade(digits: str) -> str:
    """'1990' → 'nineteen nineties', '90' → 'nineties', '2000' → 'two thousands'."""
    words = year(digits) if len(digits) == 4 else cardinal(digits)
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def money(coin: str, amount: str, scale: str = "") -> str:
    """('$', '3.50') → 'three dollars and fifty cents'; ('€', '1.5', 'million') → 'one point five million euros'."""
    one, many, cent, cents = _COINS[coin]
    if scale:
        return f"{cardinal(amount)} {scale} {many}"
    whole, _, fraction = amount.replace(",", "").partition(".")
    if not re.fullmatch(r"\d\d", fraction) or not cent:
        return f"{cardinal(amount)} {one if amount == '1' else many}"
    small = int(fraction)
    parts = [f"{cardinal(whole)} {one if int(whole) == 1 else many}"] if int(whole) or not small else []
    parts += [f"{_count(small)} {cent if small == 1 else cents}"] if small else []
    return " and ".join(parts)


def _count(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")
    for size, name in _SCALES:
        if number >= size:
            rest = number % size
            return f"{_count(number // size)} {name}" + (f" {_count(rest)}" if rest else "")
    raise AssertionError(number)
