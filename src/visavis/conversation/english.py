"""English for the ear: addresses, abbreviations, dates, money, measures, numbers and symbols in words.

A table of rules, applied in order: each takes what it knows, and leaves words behind that no later rule matches.
Every pattern is bounded, so that the work grows with the text and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from visavis.conversation.grammars import ask, unit
from visavis.conversation.lexicon import (
    ABBREVIATIONS,
    ASKED,
    CODES,
    MONTH,
    MONTHS,
    NUMBER,
    ROMAN,
    SCALE,
    SYMBOLS,
    UNITS,
    VULGAR,
    WORDS_IN_CAPITALS,
)
from visavis.conversation.numerals import cardinal, decade, money, ordinal, spelled, year

_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,40}[A-Za-z0-9])?\.){1,5}"
_TOP = r"(?:com|org|net|edu|gov|info|io|ai|dev|app|co\.uk|uk|de|fr|eu|ca|au|us|tv|me|co)"


def english(text: str) -> str:
    """The text with everything in it that is not a word put into words."""
    if text.isupper() and sum(map(str.isalpha, text.split())) > 2:
        text = text.lower()  # a sentence all in capitals is a loud one, not a row of abbreviations
    for pattern, say in _RULES:
        text = pattern.sub(say, text)
    return re.sub(r"\s+([,.;:!?])", r"\1", " ".join(text.split()))


def _address(match: re.Match[str]) -> str:
    """'https://www.example.com/a' → 'example dot com slash a': what a person would say, not what a browser needs."""
    address = re.sub(r"^(?:https?://|ftp://)?(?:www\.)?", "", match[0], flags=re.IGNORECASE)
    end = re.search(r"[.,;:!?)\]]{0,5}$", address)
    address, closing = (address[: end.start()], end[0]) if end else (address, "")
    domain, *path = re.split(r"[?#]", address, maxsplit=1)[0].split("/")
    said = " dot ".join(_label(label) for label in domain.split(".") if label)
    for part in path[:2]:
        if not re.fullmatch(r"[A-Za-z-]{1,20}", part):
            break
        said += f" slash {part.replace('-', ' ')}"
    return said + closing


def _label(label: str) -> str:
    label = label.replace("-", " dash ").replace("_", " underscore ")
    known = label.lower() in ("com", "org", "net", "gov", "info", "dev", "app", "co", "me")
    return label if known or len(label) > 2 else " ".join(label.upper())


def _mail(match: re.Match[str]) -> str:
    name = " dot ".join(_label(part) if len(part) > 2 else part for part in match[1].split("."))
    return f"{name} at {' dot '.join(_label(part) for part in match[2].split('.'))}"


def _abbreviation(match: re.Match[str]) -> str:
    return ABBREVIATIONS[match[0].strip(".,").lower()]


def _month(name: str) -> str:
    return next(month for month in MONTHS if month.startswith(name[:3]))


def _month_first(match: re.Match[str]) -> str:
    month, day, number = match[1], match[2], match[3]
    if not 1 <= int(day) <= 31:
        return match[0]
    return f"{_month(month)} {ordinal(day)}" + (f", {year(number)}" if number else "")


def _day_first(match: re.Match[str]) -> str:
    day, month, number = match[1], match[2], match[3]
    if not 1 <= int(day) <= 31:
        return match[0]
    return f"the {ordinal(day)} of {_month(month)}" + (f" {year(number)}" if number else "")


def _numeric_date(y: str, m: str, d: str, otherwise: str) -> str:
    month, day = int(m), int(d)
    if month > 12 >= day:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return otherwise
    return f"{MONTHS[month - 1]} {ordinal(str(day))}, {year(y)}"


def _clock(match: re.Match[str]) -> str:
    hour, minute, half = match[1], match[2], match[3]
    if int(hour) > 24 or int(minute or 0) > 59:
        return f"{cardinal(hour)} to {cardinal(minute)}" if minute else match[0]
    day = f" {half[0].upper()} M" if half else ""
    if not minute or minute == "00":
        if half:
            return cardinal(hour) + day
        return f"{cardinal(hour)} o'clock" if int(hour) <= 12 else f"{cardinal(hour)} hundred hours"
    words = ask(f"{int(hour)}:{minute}")
    return (words or f"{cardinal(hour)} {cardinal(minute)}") + day


def _price(match: re.Match[str]) -> str:
    coin, amount, scale = match[1], match[2], (match[3] or "").lower()
    return money(coin, amount, SCALE.get(scale, scale))


def _measure(match: re.Match[str]) -> str:
    number, symbol = match[1], match[2]
    one = number == "1"
    name = UNITS[symbol][0 if one else 1] if symbol in UNITS else unit(_plain_power(symbol), one)
    return f"{cardinal(number)} {name or symbol}"


def _plain_power(symbol: str) -> str:
    return symbol.replace("²", "2").replace("³", "3").replace("μ", "µ")


def _feet(match: re.Match[str]) -> str:
    return f"{cardinal(match[1])} foot" + (f" {cardinal(match[2])}" if match[2] else "")


def _fraction(match: re.Match[str]) -> str:
    whole, above, below = match[1], match[2], match[3]
    if not whole and (above == below or (above, below) in (("24", "7"), ("9", "11"))):
        return f"{cardinal(above)} {cardinal(below)}"
    words = ask(f"{int(above)}/{int(below)}") if int(above) < int(below) else ""
    words = words.replace("one half", "a half" if whole else "one half")
    return f"{cardinal(whole)} and {words}" if whole and words else words or f"{match[1] or ''} {above} over {below}"


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    return ("plus " if match[0].startswith("+") else "") + ", ".join(map(spelled, groups))


def _range_start(match: re.Match[str]) -> str:
    """The first number of '10-20', and 'to'; of '3 - 2' it is 'minus'."""
    word = "minus" if match[0].endswith(" ") else "to"
    return f"{year(match[1]) if re.fullmatch(_YEAR, match[1]) else match[1]} {word} "


def _number(match: re.Match[str]) -> str:
    following = match.string[match.end() : match.end() + 1]
    return f" {cardinal(match[1])}" + ("" if following in ("-", "'") else " ")


def _roman(match: re.Match[str]) -> str:
    number = ROMAN.get(match[2])
    return f"{match[1]} {cardinal(str(number))}" if number else match[0]


def _king(match: re.Match[str]) -> str:
    """'Louis XIV' → 'Louis the fourteenth'."""
    number = ROMAN.get(match[2])
    return f"{match[1]} the {ordinal(str(number))}" if number else match[0]


def _mixed(match: re.Match[str]) -> str:
    """'H2O' → 'H two O', 'MP3' → 'M P three', 'covid19' → 'covid nineteen'."""
    parts = re.findall(r"\d+|[A-Za-z]+", match[0])
    said = [cardinal(p) if p.isdecimal() else " ".join(p) if p.isupper() and len(p) <= 4 else p for p in parts]
    return " ".join(said)


def _capitals(match: re.Match[str]) -> str:
    word, ending = match[1], match[2] or ""
    if word in WORDS_IN_CAPITALS:
        return match[0]
    if len(word) > 4 or (len(word) == 4 and re.search(r"[BCDFGHJKLMNPQRSTVWXZ][AEIOU]", word)):
        return match[0].lower() if len(word) > 5 else match[0]
    return " ".join(word) + ("'s" if ending else "")


_Say = Callable[[re.Match[str]], str]


def _rule(pattern: str, say: _Say | str, flags: int = 0) -> tuple[re.Pattern[str], _Say]:
    return re.compile(pattern, flags), say if callable(say) else lambda match: match.expand(say)


_ANY = re.IGNORECASE
_HALF_DAY = r"\s?([ap])\.?m\b(?:\.(?=\s+(?-i:[a-z])|[,;:!?)]))?"
_UNIT = "|".join(re.escape(symbol) for symbol in sorted(UNITS, key=len, reverse=True))
_COUNTED = (
    r"(?:people|men|women|children|times|years|days|hours|miles|meters|feet|pounds|dollars|calories|words|steps)\b"
)
_YEAR = r"1[1-9]\d\d|20\d\d"
_RULES: tuple[tuple[re.Pattern[str], _Say], ...] = (
    _rule("[’‘]", "'"),
    _rule("[−–](?=\\d)", "-"),
    _rule("[½⅓⅔¼¾⅛⅜⅝⅞]", lambda m: f" {VULGAR[m[0]]}"),
    # addresses
    _rule(rf"\b([\w.+-]{{1,64}})@({_DOMAIN}[A-Za-z]{{2,10}})\b", _mail),
    _rule(r"\b(?:https?://|ftp://|www\.)[^\s<>\"]{1,300}", _address, _ANY),
    _rule(rf"\b{_DOMAIN}{_TOP}\b(?:/[^\s<>\"]{{0,200}})?(?![\w@])", _address),
    # abbreviations
    _rule(r"\b(e\.g|i\.e)\.?,?(?=\s)", _abbreviation, _ANY),
    _rule(r"\betc\.(?=\s+[a-z]|[,;:!?)])", "et cetera"),
    _rule(r"\betc\b\.?", "et cetera."),
    _rule(r"\b(Mr|Mrs|Ms|Dr|Prof|St|Mt|Gov|Sen|Gen|Capt)\.?(?=\s+[A-Z])", _abbreviation),
    _rule(r"\b(Mr|Mrs|Ms)\.(?=\s)", _abbreviation),
    _rule(r"\b(vs|approx|dept|est|fig|vol)\.(?!\w)|\b(vs)\b", _abbreviation, _ANY),
    _rule(r"\b(Jr|Sr|Inc|Ltd|Corp)\.(?=\s+[a-z]|,)", _abbreviation),
    _rule(r"\b[Nn]os?\.\s?(?=\d)", "number "),
    _rule(r"\bw/o\b", "without"),
    _rule(r"\bw/(?=\s)", "with"),
    _rule(r"\bPh\.?\s?D\b\.?", "P H D"),
    _rule(r"\b((?:[A-Z]\.){2,6})$", lambda m: " ".join(m[1].replace(".", "")) + "."),
    _rule(r"\b((?:[A-Z]\.){2,6})", lambda m: " ".join(m[1].replace(".", ""))),
    # dates and clocks
    _rule(r"(?<=[ap]m)\s?-\s?(?=\d)|(?<=\d:\d\d)\s?-\s?(?=\d)", " to ", _ANY),
    _rule(r"\b(\d{4})-(\d{2})-(\d{2})\b", lambda m: _numeric_date(m[1], m[2], m[3], m[0])),
    _rule(r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b", lambda m: _numeric_date(m[3], m[1], m[2], m[0])),
    _rule(rf"\b({MONTH})\.?\s(\d{{1,2}})(?:st|nd|rd|th)?\b(?![:.]\d)(?:,?\s(\d{{4}})\b)?", _month_first),
    _rule(rf"\b(?:the\s)?(\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?({MONTH})\b\.?(?:,?\s(\d{{4}})\b)?", _day_first),
    _rule(rf"\b({MONTH})\.?\s(\d{{4}})\b", lambda m: f"{_month(m[1])} {year(m[2])}"),
    _rule(rf"\b(\d{{1,2}}):(\d{{2}})(?::\d{{2}})?(?!\d)(?:{_HALF_DAY})?", _clock, _ANY),
    _rule(rf"\b(\d{{1,2}})(){_HALF_DAY}", _clock, _ANY),
    _rule(r"\b(\d{1,3}):(\d{1,3})\b", r"\1 to \2"),
    # money
    _rule(rf"\b(USD|EUR|GBP|JPY|INR)\s?(?={NUMBER})", lambda m: CODES[m[1]]),
    _rule(rf"\b({NUMBER})\s(USD|EUR|GBP|JPY|INR)\b", lambda m: CODES[m[2]] + m[1]),
    _rule(
        rf"([$€£¥₹])\s?({NUMBER})(?:\s?((?:thousand|million|billion|trillion)\b|(?<=\d)(?:[kKmM]|[bB]n?|mn)\b))?",
        _price,
    ),
    _rule(rf"\b({NUMBER})\s?([€£¥¢₹])", lambda m: money(m[2], m[1])),
    # what looks like a number and is a name
    _rule(r"(?:\+\d{1,3}[ .-])?(?:\(\d{3}\)|\b\d{3})[ .-]{1,2}\d{3}[ .-]\d{4}\b", _phone),
    _rule(r"\b(\d{1,3}(?:\.\d{1,3}){3})\b", lambda m: " dot ".join(map(spelled, m[1].split(".")))),
    _rule(r"\bv?(\d{1,4}(?:\.\d{1,4}){2})\b", lambda m: " point ".join(map(cardinal, m[1].split(".")))),
    _rule(r"\b((?:1[1-9]|20)\d0)'?s\b", lambda m: decade(m[1])),
    _rule(r"'?\b([2-9]0)'?s\b", lambda m: decade(m[1])),
    _rule(r"(?<![\w])#\s?(?=\d)", "number "),
    _rule(r"(?<!\w)#(?=[A-Za-z])", ""),
    _rule(r"\b([CFA-G])#(?!\w)", r"\1 sharp"),
    _rule(r"\b(\d{1,15})(?:st|nd|rd|th)\b", lambda m: ordinal(m[1])),
    _rule(r"\b(Chapter|Part|Volume|World War|Act|Phase|Type|Book)\s([IVX]{1,5})\b", _roman),
    _rule(r"\b([A-Z][a-z]{2,12})\s([IVX]{2,5})\b", _king),
    # measures
    _rule(r"\b(\d)'(\d{1,2})?(?:\"|''|″)?(?!\w)", _feet),
    _rule(r"(?:\b(\d{1,3})\s)?(?<![\d/.,])\b(\d{1,3})/(\d{1,3})\b(?!/)", _fraction),
    _rule(rf"(?<!\w)({NUMBER})\s?-\s?(?=\d)", _range_start),
    _rule(rf"(?<![\w.])-(?={NUMBER})", "minus "),
    _rule(rf"\b({NUMBER})\s?({_UNIT}|{ASKED})(?![\w/°²³])(?:\.(?=\s+[a-z]))?", _measure),
    _rule(rf"\b({NUMBER})(k|M|B|(?<=\d\d)K)\b", lambda m: f"{cardinal(m[1])} {SCALE[m[2].lower()]}"),
    _rule(r"(?<=[\w)])²", " squared"),
    _rule(r"(?<=[\w)])³", " cubed"),
    # arithmetic
    _rule(r"(?<=\d)\s?x\s?(?=\d)", " by "),
    _rule(r"(?<=[\dx)])\s?\^\s?(?=[\d(])", " to the power of "),
    _rule(rf"\b({NUMBER})[eE]([+-]?\d{{1,3}})\b", lambda m: f"{cardinal(m[1])} times ten to the power of {m[2]}"),
    _rule(r"(?<=[\w)])\s?=\s?(?=[\w(-])", " equals "),
    _rule(r"(?<=[\d)])\s?[*×·]\s?(?=[\d(])", " times "),
    _rule(r"(?<=[\d)])\s-\s(?=[\d(])", " minus "),
    _rule(r"(?<=[\d)])\s/\s(?=[\d(])", " divided by "),
    # numbers
    _rule(
        rf"\b((?:in|since|from|by|of|until|till|before|after|during|around|circa|year|early|late|spring|summer|autumn|fall"
        rf"|winter|the|and|or|to)\s|\()({_YEAR})\b(?![,.]?\d)(?!\s{_COUNTED})",
        lambda m: m[1] + year(m[2]),
        _ANY,
    ),
    _rule(rf"\b(19\d\d|20\d\d)\b(?![,.]?\d)(?!\s{_COUNTED})", lambda m: year(m[1])),
    _rule(r"\b(?=[A-Za-z]{0,12}\d)(?=\d{0,12}[A-Za-z])[A-Za-z0-9]{2,16}\b", _mixed),
    _rule(r"(?<=[A-Za-z])-(?=\d)", " "),
    _rule(rf"({NUMBER})", _number),
    # capitals and symbols
    _rule(r"(?<=[a-z])\.(?=[a-z]{2})", " dot "),
    _rule(r"(?<=[a-z])([.!?])(?=[A-Z])", r"\1 "),
    _rule(r"\b([A-Z])&([A-Z])\b", r"\1 and \2"),
    _rule(r"\b([A-Z]{2,12})(s|'s)?\b(?!')", _capitals),
    _rule(r"\band/or\b", "and or"),
    _rule(r"(?<=[a-z])/(?=[a-z])", " or "),
    _rule(r"(?<=\w)/(?=\w)", " slash "),
    _rule(r"(?<=\s)-{2,3}(?=\s)", "—"),
    _rule(r"[&+=@%°±×÷≈≠≤≥→~<>§€£$π√∞#]", lambda m: f" {SYMBOLS[m[0]]} "),
    _rule(r"[*_^\\{}\[\]|•`]", " "),
)
