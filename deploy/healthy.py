#!/opt/visavis/bin/python -IS
"""Whether a service answers: ends with 0 if `GET URL` gives 200 within three seconds, with 1 otherwise.

    healthy [URL]        its default is $HEALTH_URL

For health checks within a container, where there is neither curl nor a reason to ask a proxy.
"""

from __future__ import annotations

import http.client
import os
import sys
from urllib.parse import urlsplit

_PATIENCE = 3.0  # seconds


def healthy(url: str) -> bool:
    """Whether it answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if healthy((sys.argv[1:] or [os.environ["HEALTH_URL"]])[0]) else 1)
