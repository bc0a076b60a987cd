"""What of a long conversation is sent to the model: all of it, or the system message and the newest turns.

The oldest turns are dropped in blocks, down to half of the limit, so that between two drops the prompt only grows at
its end and a prompt cache keeps what it has. Where the cut lies follows from the messages alone: nobody has to
remember it, and the same conversation is cut in the same place on any machine. It is made when an answer is over, with
room for a question: a prompt cache then has the time until that is asked to read what is left.
"""

from __future__ import annotations

from collections.abc import Sequence

from visavis.engines.protocols import Message
from visavis.errors import BadInput

_PER_TOKEN = 3  # ASCII characters: English has 4 to 5, so this errs on the safe side
_PER_MESSAGE = 8  # tokens of the chat template around a message
_QUESTION = 96  # tokens that are kept free for one after each answer


def tokens(message: Message, other: int = 1) -> int:
    """An estimate of the tokens a message takes, rather too many than too few.

    `other`: bytes of other scripts a token. Byte-level vocabularies made for English spell those byte by byte, so these
    count fully; those made for many languages have words of theirs.
    """
    plain = len(message.content.encode("ascii", "ignore"))
    size = len(message.content.encode("utf-8", "replace"))
    return plain // _PER_TOKEN + -(-(size - plain) // other) + _PER_MESSAGE


def payload(messages: Sequence[Message]) -> list[dict[str, str]]:
    """The messages as chat servers want them. Half a surrogate pair, which UTF-8 cannot spell, becomes "?"."""
    return [{"role": m.role, "content": m.content.encode("utf-8", "replace").decode("utf-8")} for m in messages]


def fit(messages: Sequence[Message], limit: int, other: int = 1) -> list[Message]:
    """The leading system messages and as many of the newest turns as `limit` tokens hold, estimated with `other`.

    What is kept of the turns begins with a message of the user. The last message is always kept: raises `BadInput`
    if it alone is too long.
    """
    lead = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
    system, turns = list(messages[:lead]), list(messages[lead:])
    room = limit - sum(tokens(message, other) for message in system)
    if turns and tokens(turns[-1], other) > room:
        fitting = max(0, room - _PER_MESSAGE) * _PER_TOKEN
        raise BadInput(
            f"the question is too long: {len(turns[-1].content):,} characters, and about {fitting:,} fit; shorten it"
        )
    start, used = 0, 0
    for end, message in enumerate(turns, 1):  # as if the conversation grew again, message by message
        used += tokens(message, other)
        if used > room - (min(_QUESTION, room // 4) if message.role == "assistant" else 0):
            start, used = _drop(turns[:end], room // 2, other)
    return system + turns[start:]


def _drop(turns: Sequence[Message], room: int, other: int) -> tuple[int, int]:
    """Where the newest turns that `room` holds begin, at a message of the user, and the tokens they take."""
    start, used = len(turns), 0
    for i in range(len(turns) - 1, -1, -1):
        taken = sum(tokens(message, other) for message in turns[i:start]) + used
        if taken > room and start < len(turns):
            break
        if turns[i].role == "user":
            start, used = i, taken
    return start, used
