"""Translate with a running Ferry server, piece by piece as it is done: `python translate.py de en < letter.txt`.

Standard library only. Where the server is, and a key if it asks for one: FERRY_URL, FERRY_KEY.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator


class RefusedError(Exception):
    """The server says no; the message says why and what to do."""


def ask(url: str, body: dict[str, object], key: str | None) -> urllib.request.Request:
    """A request for a translation, as JSON."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    return urllib.request.Request(f"{url}/v1/translate", json.dumps(body).encode(), headers)


def stream(url: str, text: str, source: str, target: str, key: str | None = None) -> Iterator[str]:
    """The translation of `text` in pieces, each as soon as it is done; joined they are the whole.

    Raises:
        RefusedError: the server refuses, or could not finish.
    """
    request = ask(url, {"text": text, "source": source, "target": target, "stream": True}, key)
    try:
        with urllib.request.urlopen(request, timeout=70) as answer:
            for line in answer:  # one JSON object a line
                event = json.loads(line)
                if "error" in event:
                    raise RefusedError(event["error"]["message"])
                if event.get("done"):
                    return
                yield event["text"]
    except urllib.error.HTTPError as error:
        detail = json.load(error)["error"]
        wait = error.headers.get("Retry-After")
        raise RefusedError(detail["message"] + (f" (again in {wait} s)" if wait else "")) from None
    except OSError as error:
        raise RefusedError(f"{url} does not answer: {error}") from None
    raise RefusedError("the answer broke off")


def main() -> int:
    """Translate what comes on stdin, from the first language named to the second."""
    if len(sys.argv) != 3:
        print("usage: translate.py SOURCE TARGET < TEXT, such as: translate.py de en", file=sys.stderr)
        return 2
    url, key = os.environ.get("FERRY_URL", "http://127.0.0.1:8000"), os.environ.get("FERRY_KEY")
    try:
        for piece in stream(url.rstrip("/"), sys.stdin.read(), sys.argv[1], sys.argv[2], key):
            print(piece, end="", flush=True)
    except RefusedError as error:
        print(f"translate.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
