"""Users as they come, for Locust: readers, applications that speak DeepL's or LibreTranslate's dialect, documents.

    locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000
    locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000 --steps 5x30 --headless

With `--steps USERSxSECONDS` so many users join every so many seconds, until `--max-users`; without it, Locust's own
flags say how many. `--sentences FILE` gives a text to take sentences from, one a line. A few are built in, each with a
number that is another one every time, so that the server's cache does not answer; those of a file it may know after a
while, as it would those of real users (`--cache-bytes 0` turns it off).

Locust's users wait for their answers, so it understates stalls: it shows how a mixed load behaves and whether anything
fails. `sweep.py` measures latency. A refusal because the server is busy counts as a failure here.
"""

import random
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from locust import FastHttpUser, LoadTestShape, between, events, task

SENTENCES = (
    "Die Fähre {} legt um acht ab.",
    "Danke, {}!",
    "Wann müssen wir an Bord der Fähre {} sein?",
    "Bitte halten Sie Ihre Fahrkarten und Ausweise an Schalter {} bereit.",
    "Bei starkem Wind fährt sie nicht, dann nehmen wir den Zug {} über die Brücke.",
    "Der Kapitän hat angekündigt, dass wir wegen des Nebels {} Minuten später ankommen.",
    "Wer vor der Abfahrt {} noch einen Kaffee trinken möchte, findet am Hafen ein kleines Café, dessen Besitzer früher "
    "selbst zur See gefahren ist und gern davon erzählt.",
)
MOST_NUMBERS = 1_000_000
DOCUMENT_WAIT_S = 60.0


@events.init_command_line_parser.add_listener
def add_flags(parser: ArgumentParser) -> None:
    """Ours, beside Locust's own."""
    parser.add_argument("--sentences", default="", help="a file of source sentences, one a line")
    parser.add_argument("--source", default="de")
    parser.add_argument("--target", default="en")
    parser.add_argument("--steps", default="", metavar="USERSxSECONDS", help="users join step by step")
    parser.add_argument("--max-users", type=int, default=60, help="where the steps end")


@events.init.add_listener
def prepare(environment: Any, **_: Any) -> None:
    """Read the sentences; keep the shape out of the way if it was not asked for."""
    options = environment.parsed_options
    if options.sentences:
        lines = Path(options.sentences).read_text("utf-8").splitlines()
        Caller.sentences = tuple(line for line in lines if line.strip())
    if not options.steps:
        environment.shape_class = None


class Steps(LoadTestShape):
    """More and more users, each step as long as the others."""

    def tick(self) -> tuple[int, float] | None:
        """How many users there should be by now, and how many come per second; None at the end."""
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        users, seconds = map(int, options.steps.split("x"))
        wanted = users * (1 + int(self.get_run_time() // seconds))
        return None if wanted > options.max_users else (wanted, users)


class Caller(FastHttpUser):
    """What all have in common."""

    abstract = True
    sentences: ClassVar[tuple[str, ...]] = SENTENCES

    def pick(self, least: int = 1, most: int = 1) -> list[str]:
        """Some sentences."""
        chosen = random.choices(self.sentences, k=random.randint(least, most))
        if self.sentences is not SENTENCES:
            return chosen
        return [sentence.format(random.randrange(MOST_NUMBERS)) for sentence in chosen]

    @property
    def pair(self) -> tuple[str, str]:
        """Languages, source and target."""
        options = self.environment.parsed_options
        return options.source, options.target

    def expect(self, path: str, fields: dict[str, object], name: str, found: str, **more: Any) -> None:
        """Post JSON; the answer must have the field `found`."""
        with self.client.post(path, json=fields, name=name, catch_response=True, **more) as response:
            if response.status_code == 200 and not (response.text and f'"{found}"' in response.text):
                response.failure(f"no {found} in the answer")


class Reader(Caller):
    """Someone on the page: types a sentence now and then, pastes a paragraph, watches it come."""

    weight = 6
    wait_time = between(0.5, 3.0)

    def translate(self, text: str, name: str, **fields: object) -> None:
        """`/v1`."""
        source, target = self.pair
        self.expect(
            "/v1/translate", {"text": text, "source": source, "target": target, **fields}, f"/v1 {name}", "text"
        )

    @task(8)
    def sentence(self) -> None:
        """One, as the page asks for it."""
        self.translate(*self.pick(), "sentence", segments=True)

    @task(3)
    def paragraph(self) -> None:
        """A few sentences."""
        self.translate(" ".join(self.pick(3, 6)), "paragraph")

    @task(1)
    def stream(self) -> None:
        """A page, line by line."""
        self.translate("\n\n".join(self.pick(10, 20)), "stream", stream=True)

    @task(1)
    def guess(self) -> None:
        """Without saying which language it is."""
        self.expect("/v1/translate", {"text": self.pick()[0], "target": self.pair[1]}, "/v1 detect", "text")


class Application(Caller):
    """A translation tool with DeepL's client: lists of segments, some with tags."""

    weight = 3
    wait_time = between(0.2, 2.0)

    def fields(self, texts: list[str]) -> dict[str, object]:
        """`/v2`."""
        source, target = self.pair
        return {"text": texts, "source_lang": source.upper(), "target_lang": target.upper()}

    @task(6)
    def segments(self) -> None:
        """A list."""
        self.expect("/v2/translate", self.fields(self.pick(5, 25)), "/v2 list", "translations")

    @task(2)
    def tags(self) -> None:
        """A paragraph of HTML."""
        html = "<p>" + " ".join(f"<b>{sentence}</b>" for sentence in self.pick(1, 3)) + "</p>"
        self.expect("/v2/translate", {**self.fields([html]), "tag_handling": "html"}, "/v2 html", "translations")


class Site(Caller):
    """A site that had LibreTranslate before."""

    weight = 3
    wait_time = between(0.2, 2.0)

    @task(5)
    def text(self) -> None:
        """One or two sentences."""
        self.translate(" ".join(self.pick(1, 2)), "text")

    @task(1)
    def texts(self) -> None:
        """A list."""
        self.translate(self.pick(3, 8), "list")

    def translate(self, q: str | list[str], name: str) -> None:
        """`/translate`."""
        source, target = self.pair
        self.expect("/translate", {"q": q, "source": source, "target": target}, f"/translate {name}", "translatedText")


class Clerk(Caller):
    """Uploads a document, asks how it is, and takes it away."""

    weight = 1
    wait_time = between(5.0, 15.0)

    @task
    def document(self) -> None:
        """From upload to result."""
        text = "\n".join(" ".join(self.pick(2, 5)) for _ in range(20))
        boundary = f"{random.getrandbits(64):x}"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="target_lang"\r\n\r\n{self.pair[1].upper()}\r\n',
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="letter.txt"\r\n'
            f"Content-Type: text/plain\r\n\r\n{text}\r\n--{boundary}--\r\n",
        ]
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        body = "".join(parts).encode()
        sent = self.client.post("/v2/document", data=body, headers=headers, name="/v2 document upload")
        if sent.status_code != 200:
            return
        receipt = sent.json()
        path, key = f"/v2/document/{receipt['document_id']}", {"document_key": receipt["document_key"]}
        end = time.monotonic() + DOCUMENT_WAIT_S
        while time.monotonic() < end:
            status = self.client.post(path, json=key, name="/v2 document status")
            if status.status_code != 200 or status.json()["status"] in ("done", "error"):
                break
            time.sleep(0.5)
        self.client.post(f"{path}/result", json=key, name="/v2 document result")
