"""English names that text normalisation needs: months, units, currencies, abbreviations, symbols."""

from __future__ import annotations

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
MONTH = "|".join(MONTHS) + "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
NUMBER = r"\d{1,3}(?:,\d{3}){1,6}(?:\.\d{1,20})?|\d{1,40}(?:\.\d{1,20})?"
SCALE = {
    "k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion", "t": "trillion",
}  # fmt: skip
UNITS = {
    "m": ("meter", "meters"), "in": ("inch", "inches"), "L": ("liter", "liters"), "l": ("liter", "liters"),
    "mL": ("milliliter", "milliliters"), "ml": ("milliliter", "milliliters"), "V": ("volt", "volts"),
    "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts"), "kWh": ("kilowatt hour", "kilowatt hours"),
    "kB": ("kilobyte", "kilobytes"), "m/s": ("meter per second", "meters per second"),
    "m/s²": ("meter per second squared", "meters per second squared"), "°": ("degree", "degrees"),
    "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "%": ("percent", "percent"), "g": ("gram", "grams"), "s": ("second", "seconds"), "h": ("hour", "hours"),
    "hr": ("hour", "hours"), "hrs": ("hours", "hours"), "min": ("minute", "minutes"), "mins": ("minutes", "minutes"),
    "ms": ("millisecond", "milliseconds"), "sec": ("second", "seconds"), "kcal": ("kilocalorie", "kilocalories"),
    "x": ("time", "times"), "kph": ("kilometer per hour", "kilometers per hour"), "dB": ("decibel", "decibels"),
    "A": ("amp", "amps"), "N": ("newton", "newtons"), "J": ("joule", "joules"), "Pa": ("pascal", "pascals"),
}  # fmt: skip
"""Units that wetext does not know, or takes for another: one of them, and many."""
ASKED = (
    "km/h|km²|m²|cm²|ft²|km2|m2|m³|cm³|km|cm|mm|nm|kg|mg|lbs?|oz|ft|mph|yd|mi|[kMGT]?Hz|[MGT]B|[MGT]?bps|kbps|ha|gal"
)
"""Units whose names wetext is asked for (a pattern)."""
ABBREVIATIONS = {
    "mr": "Mister", "mrs": "Missus", "ms": "Miz", "dr": "Doctor", "prof": "Professor", "sr": "Senior", "jr": "Junior",
    "st": "Saint", "mt": "Mount", "vs": "versus", "approx": "approximately", "e.g": "for example", "i.e": "that is",
    "inc": "Incorporated", "ltd": "Limited", "corp": "Corporation", "dept": "department", "est": "established",
    "fig": "figure", "vol": "volume", "gov": "Governor", "sen": "Senator", "gen": "General", "capt": "Captain",
}  # fmt: skip
WORDS_IN_CAPITALS = frozenset(
    # words that are shouted, and abbreviations that are read as words
    {
        "A", "I", "AM", "AN", "AND", "ARE", "AS", "AT", "BE", "BUT", "BY", "CAN", "DO", "FOR", "GO", "HE", "IF", "IN",
        "IS", "IT", "ME", "MY", "NO", "NOT", "OF", "OH", "ON", "OR", "SO", "THE", "TO", "UP", "US", "WE", "YES",
        "YOU", "ALL", "NEW", "NOW", "WHO", "WHY", "HOW", "STOP", "WOW", "HEY", "OK", "HIS", "HER", "SHE", "WAS",
        "DID", "HAD", "HAS", "ITS", "OUR", "OUT", "SEE", "TWO", "ONE", "BIG", "DAY", "GET", "LET", "MAN", "MAY",
        "NASA", "NATO", "UNESCO", "UNICEF", "OPEC", "AIDS", "COVID", "RAM", "ROM", "PIN", "SIM", "ZIP", "JPEG", "GIF",
        "LASER", "RADAR", "SCUBA", "FIFA", "UEFA", "NAFTA", "ASCII", "SWAT",
    }
)  # fmt: skip
CODES = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
ROMAN = {
    "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10, "XI": 11, "XII": 12, "XIII": 13,
    "XIV": 14, "XV": 15, "XVI": 16, "XVII": 17, "XVIII": 18, "XIX": 19, "XX": 20, "XXI": 21,
}  # fmt: skip
VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
}  # fmt: skip
SYMBOLS = {
    "&": "and", "+": "plus", "=": "equals", "@": "at", "%": "percent", "°": "degrees", "±": "plus or minus",
    "×": "times", "÷": "divided by", "≈": "about", "≠": "is not equal to", "≤": "is at most", "≥": "is at least",
    "→": "to", "~": "about", "<": "less than", ">": "greater than", "§": "section", "€": "euros", "£": "pounds",
    "$": "dollars", "π": "pi", "√": "root of", "∞": "infinity", "#": "number",
}  # fmt: skip
