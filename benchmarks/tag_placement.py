"""How often a tag lands on the word that stands for its own, with a real model.

    ferry-serve & python benchmarks/tag_placement.py --file dev.de --url http://127.0.0.1:8000

In each German line a word is chosen whose partner in the plain English translation is beyond doubt: a name or number
that is in both exactly once, or a noun of the list below, with its translation, exactly once each. The line is then
translated with `<b>` around that word. Told is how often the tag is around the partner alone, around the partner and
more, or elsewhere; and how often the words of the translation have stayed the same, as they should: the model never
sees the tag.
"""

import argparse
import html
import json
import re
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

NOUNS = dict(
    re.findall(
        r"(\w+)=(\w+)",
        """
    Auto=car Bahnhof=station Baum=tree Brief=letter Bruder=brother Buch=book Computer=computer Datei=file
    Dateien=files Farbe=color Fenster=window Fisch=fish Frage=question Freund=friend Garten=garden Geld=money
    Geschichte=story Haus=house Hund=dog Hunde=dogs Kaffee=coffee Katze=cat Kinder=children Kopf=head Land=country
    Liste=list Mutter=mother Musik=music Name=name Problem=problem Regen=rain Schule=school Schwester=sister
    Server=server Stadt=city Tisch=table Vater=father Wasser=water Wetter=weather Zug=train
    """,
    )
)
WORD = re.compile(r"\w+(?:[-.,:]\w+)*")
MAX_LINES = 4000


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True, help="German sentences, one a line")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    asked = parser.parse_args()
    lines = [line for line in asked.file.read_text().splitlines() if line and len(line) < 400][:MAX_LINES]
    counts: dict[str, Counter[str]] = {}
    plain = translate(asked.url, lines, "text")
    chosen = [
        (kind, *found, target)
        for line, target in zip(lines, plain, strict=True)
        for kind, *found in pairs(line, target)
    ]
    tagged = translate(asked.url, [source for _, source, _, _ in chosen], "html")
    for (kind, _, partner, target), answer in zip(chosen, tagged, strict=True):
        (inside,) = re.findall("<b>(.*?)</b>", answer, re.DOTALL)
        words = WORD.findall(html.unescape(inside))
        where = "around it alone" if words == [partner] else "around it and more" if partner in words else "elsewhere"
        same = WORD.findall(html.unescape(re.sub("</?b>", "", answer))) == WORD.findall(target)
        counts.setdefault(kind, Counter()).update([where, "same words"] if same else [where])
    print("| word | lines | around it alone | around it and more | elsewhere | same words |\n|---|---|---|---|---|---|")
    for kind, count in counts.items():
        total = sum(count.values()) - count["same words"]
        shares = [
            f"{count[key] / total:.1%}" for key in ("around it alone", "around it and more", "elsewhere", "same words")
        ]
        print(f"| {kind} | {total} | {' | '.join(shares)} |")


def pairs(source: str, target: str) -> Iterator[tuple[str, str, str]]:
    """One word of each kind, if there is one: the kind, the line in html with it in bold, and its partner."""
    before, after = Counter(WORD.findall(source)), Counter(WORD.findall(target))
    found: dict[str, tuple[str, str]] = {}
    for match in WORD.finditer(source):
        word = match.group()
        if before[word] != 1:
            continue
        if after[NOUNS.get(word, "")] == 1:
            found.setdefault("a noun", (word, NOUNS[word]))
        elif after[word] == 1 and (word[0].isdecimal() or (match.start() and word[0].isupper() and len(word) > 3)):
            found.setdefault("a number" if word[0].isdecimal() else "a name", (word, word))
    for kind, (word, partner) in found.items():
        head, tail = re.split(rf"(?<!\w){re.escape(word)}(?!\w)", source, maxsplit=1)
        yield kind, f"{html.escape(head)}<b>{html.escape(word)}</b>{html.escape(tail)}", partner


def translate(url: str, texts: list[str], kind: str) -> list[str]:
    """Translate `texts`, greedily, 25 a request."""
    answers: list[str] = []
    for first in range(0, len(texts), 25):
        body = {"text": texts[first : first + 25], "source": "de", "target": "en", "format": kind, "beam_size": 1}
        headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
        request = urllib.request.Request(f"{url}/v1/translate", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=90) as answer:
            answers += [each["text"] for each in json.load(answer)["translations"]]
    return answers


if __name__ == "__main__":
    main()
