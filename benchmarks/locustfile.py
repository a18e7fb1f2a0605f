"""A mixed load for Locust, to watch the server behave under many users.

    locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000

Locust's users wait for their answers, so it understates stalls; measure latency with `http_latency.py`.
"""

from locust import FastHttpUser, between, task

SHORT = "Die Fähre legt um acht ab."
LONG = (
    "Wer vor der Abfahrt noch einen Kaffee trinken möchte, findet am Hafen ein kleines Café, "
    "dessen Besitzer früher selbst zur See gefahren ist und gern davon erzählt."
)


class Reader(FastHttpUser):
    """Someone who translates a sentence now and then, and sometimes a paragraph."""

    wait_time = between(0.1, 1.0)

    @task(8)
    def sentence(self) -> None:
        self._translate(SHORT)

    @task(2)
    def paragraph(self) -> None:
        self._translate(" ".join([LONG, SHORT, LONG]))

    def _translate(self, text: str) -> None:
        self.client.post("/v1/translate", json={"text": text, "source": "de", "target": "en"})
