"""What the fuzzer (`st run`, its SCHEMATHESIS_HOOKS) does besides.

Half of the sound that it sends is sound, and no text is empty. It comes from many addresses, since one would soon be
told to wait. And no answer may tell what is nobody's business.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import schemathesis
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

import visavis
from tests.serving.processes import file, text

SECRETS = ("Traceback", *filter(None, os.environ.get("FUZZER_SECRETS", "").split(os.pathsep)))
"""Words that no answer has: of stack traces, and the folders of the server."""
_TONE = np.asarray(0.3 * np.sin(np.arange(16_000) * 0.2), np.float32)
_SOUND = text(file(_TONE, 16_000))
_GOOD = {"byte_str": _SOUND, "audio": _SOUND, "file": _SOUND, "face": "finn", "voice": "default"}
"""What random letters never are."""
_TEXTS = ("inputs", "query", "prompt", "text", "input", "messages")
_OF_FORMS = ("file", "model", "language", "response_format")
"""What may be sent in a form, which cannot spell what JSON can."""
_PATIENCE = 40
"""Requests from one address, of which the gateway takes 60 at once."""
_calls = itertools.count()
_connections = itertools.count()


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """What is good in place of every other text, words in place of none: there is more behind. And now and then half of
    a character, which JSON can spell, and the fuzzer does not."""
    if isinstance(body, dict):
        words = {key: value for key, value in body.items() if isinstance(value, str)}
        said = {key: "Who are you?" for key, value in words.items() if key in _TEXTS and not value.strip()}
        good = {key: _GOOD[key] for key, value in words.items() if key in _GOOD and len(value) % 2}
        halves = {key: value + "\ud800" for key, value in words.items() if key not in _OF_FORMS and len(value) % 7 == 6}
        return {**body, **said, **good, **halves}
    return body


class _Elsewhere(HTTPConnection):
    """Comes from an address of this machine's own that no connection, of any fuzzer's, had before; on systems that have
    only one, it may be told to wait."""

    def connect(self) -> None:
        """Connect from there."""
        if sys.platform == "linux":
            number = next(_connections)
            self.source_address = (f"127.{os.getpid() % 250 + 1}.{number // 250}.{number % 250 + 1}", 0)
        super().connect()


HTTPConnectionPool.ConnectionCls = _Elsewhere


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """From time to time, leave: the next request comes from elsewhere."""
    if not next(_calls) % _PATIENCE:
        case.headers = case.headers or CaseInsensitiveDict()
        case.headers["Connection"] = "close"


@schemathesis.check
def tells_nothing_private(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """No stack trace and no folder is in an answer."""
    told = response.content.decode("utf-8", "replace") + str(response.headers)
    for secret in SECRETS:
        assert secret not in told, f"'{secret}' is in the answer"


def secrets(*folders: Path) -> str:
    """For FUZZER_SECRETS: these folders, and those of the program."""
    return os.pathsep.join(map(str, (*folders, Path(visavis.__file__).parent)))
