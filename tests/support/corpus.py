"""What lies in tests/fuzzing/corpus: one thing of each kind that a program takes from outside, without faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import quote

from support.mutations import nearly, spoilt

CORPUS = Path(__file__).parents[1] / "fuzzing" / "corpus"
VERBS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
KINDS_OF_CONTENT = ("application/json", "text/plain", "application/json; charset=utf-16", "multipart/form-data", "")


def corpus(kind: str) -> dict[str, bytes]:
    """What there is of a kind, by file name, always in the same order."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / kind).iterdir())}


@dataclass(frozen=True)
class Asked:
    """A request; in a file: method and path on the first line, and the body after an empty one."""

    method: str
    path: str
    body: bytes
    content: str = "application/json"

    @classmethod
    def read(cls, text: bytes) -> Asked:
        """A request as it lies in the corpus."""
        first, _, body = text.partition(b"\n\n")
        method, _, path = first.decode().partition(" ")
        return cls(method, path, body)


def requests(kind: str) -> list[Asked]:
    """The requests of a kind, in the order in which they work."""
    return [Asked.read(text) for text in corpus(kind).values()]


def nearly_right(kind: str, seed: str, count: int) -> Iterator[Asked]:
    """Requests that are nearly those of a kind: the body most of the time, or the path, the method, what it says of itself."""
    random = Random(seed)
    sound = requests(kind)
    bodies = nearly([each.body for each in sound if each.body], seed, count)
    with_bodies = [each for each in sound if each.body]
    for number, body in enumerate(bodies):
        asked = with_bodies[number % len(with_bodies)]
        what = random.random()
        if what < 0.7:
            yield Asked(asked.method, asked.path, body)
        elif what < 0.9:
            asked = random.choice(sound)
            path = quote(spoilt(asked.path.encode(), random), safe="/?&=%")
            yield Asked(asked.method, f"/{path.lstrip('/')[:3000]}", asked.body)
        else:
            yield Asked(random.choice(VERBS), asked.path, body, random.choice(KINDS_OF_CONTENT))
