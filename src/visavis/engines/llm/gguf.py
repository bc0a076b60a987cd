"""What the head of a GGUF file says: the model's name and measures, read without loading it.

Format: the GGUF specification (ggml/docs/gguf.md). Its keys of a model's measures begin with the architecture's name.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_VERSIONS = (2, 3)
_TOKENS = "tokenizer.ggml.tokens"
_CACHE_BYTES = 2
"""Of a number in llama.cpp's cache: half precision."""

Value = int | float | bytes | None


class Cursor:
    """Reads a GGUF file from its beginning on."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self.data = data
        self.position = 0

    def scalar(self, format: str) -> int | float:
        """A number, as `struct` spells its type. Raises `struct.error` at the end of the file."""
        (value,) = struct.unpack_from("<" + format, self.data, self.position)
        self.position += struct.calcsize("<" + format)
        return value  # type: ignore[no-any-return]  # a number, in every format used here

    def count(self, format: str) -> int:
        """A whole number."""
        return int(self.scalar(format))

    def string(self) -> bytes:
        """Text, with its length before it. Raises `ValueError` where it is cut off."""
        length = self.count("Q")
        self.position += length
        if self.position > len(self.data):
            raise ValueError("a GGUF file that is cut off")
        return self.data[self.position - length : self.position]

    def value(self, type: int) -> Value:
        """A value of the metadata; of an array, only its end is looked for. Raises `KeyError` for an unknown type."""
        if type != _ARRAY:
            return self.string() if type == _STRING else self.scalar(_SCALARS[type])
        element, count = self.count("I"), self.count("Q")
        for _ in range(count):
            _ = self.string() if element == _STRING else self.scalar(_SCALARS[element])
        return None


@dataclass(frozen=True, slots=True)
class Head:
    """A model's measures."""

    architecture: str
    trained: int
    """Tokens of context that it was trained for; 0 where the file does not tell."""
    token_bytes: int
    """What each token of a conversation takes in llama.cpp's cache; 0 where the file does not tell."""
    vocabulary: int
    """Tokens that it knows; 0 where the file does not tell."""


def read_head(path: Path) -> Head:
    """The measures in a file. Raises `ValueError` for what is no GGUF file, `OSError` if it cannot be read."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            told = dict(_measures(Cursor(data)))
    except (struct.error, KeyError) as error:
        raise ValueError(f"not a GGUF file of a known kind ({error!r})") from None
    name = told.get("general.architecture")
    architecture = name.decode("utf-8", "replace") if isinstance(name, bytes) else ""

    def number(key: str) -> int:
        value = told.get(f"{architecture}.{key}")
        return int(value) if isinstance(value, int | float) else 0

    heads = number("attention.head_count")
    each = number("embedding_length") // heads if heads else 0
    sizes = (number("attention.key_length") or each) + (number("attention.value_length") or each)
    kept = number("attention.head_count_kv") or heads  # several numbers, one a layer, are at most these
    vocabulary = told.get(_TOKENS)
    return Head(
        architecture,
        number("context_length"),
        _CACHE_BYTES * number("block_count") * kept * sizes,
        vocabulary if isinstance(vocabulary, int) else 0,
    )


def _measures(cursor: Cursor) -> Iterator[tuple[str, Value]]:
    """The metadata up to the vocabulary, and how long that is: every converter writes the measures before it."""
    magic, version = cursor.data[:4], cursor.data[4:8]
    if magic != b"GGUF" or int.from_bytes(version, "little") not in _VERSIONS:
        raise ValueError("not a GGUF file of version 2 or 3")
    cursor.position = 8
    cursor.count("Q")  # tensors
    for _ in range(cursor.count("Q")):
        key, type = cursor.string().decode("utf-8", "replace"), cursor.count("I")
        if key == _TOKENS:
            cursor.count("I")  # texts
            yield key, cursor.count("Q")
            return
        yield key, cursor.value(type)
