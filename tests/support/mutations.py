"""Values and bytes that are nearly right: the same ones in each run, for the same seed."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

NASTY: tuple[object, ...] = (
    *(None, True, -1, 0, 1.5, 10**18, 10**400, -(10**400), 1e308, -1e308, float("nan"), float("inf")),
    *("", "x", "x" * 5000, "\ud800", "\x00", "=1+1", "train", "predict", "target", "[/x]\x1b[2J"),
    *([], {}, [[]], [None], {"": None}, [0] * 300, {"train": 5}, ["x", None, 3]),
)


def places_in(value: object) -> list[tuple[Any, Any]]:
    """Every container in a JSON value, with each of its keys or positions."""
    found: list[tuple[Any, Any]] = []
    _collect(value, found)
    return found


def _collect(value: object, found: list[tuple[Any, Any]]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            found.append((value, key))
            _collect(inner, found)
    elif isinstance(value, list):
        for key, inner in enumerate(value):
            found.append((value, key))
            _collect(inner, found)


def _copied(value: Any) -> Any:
    # A third of the time that deepcopy takes, and there are a hundred thousand.
    return pickle.loads(pickle.dumps(value))


def changed(value: object, random: Random) -> object:
    """The same with one or two entries that are something else, not there, or there twice."""
    value = _copied(value)
    for _ in range(random.choice((1, 1, 1, 2))):
        if not (places := places_in(value)):
            break
        container, key = random.choice(places)
        what = random.random()
        if what < 0.6:
            container[key] = _copied(random.choice(NASTY))
        elif what < 0.75:
            del container[key]
        elif what < 0.85:
            container[key] = _copied(random.choice(places)[0])
        elif isinstance(container, dict):
            container[str(random.choice(NASTY))] = container[key]
        else:
            container.append(container[key])
    return value


def spoilt(content: bytes, random: Random) -> bytes:
    """The same with some bytes that are others, not there, or there twice."""
    found = bytearray(content)
    start = random.randrange(len(found))
    stop = start + random.randrange(1, 9)
    match random.randrange(5):
        case 0:
            found[start] ^= 1 << random.randrange(8)
        case 1:
            del found[start:stop]
        case 2:
            found[start:start] = found[start:stop]
        case 3:
            del found[start:]
        case _:
            found[start:start] = random.choice((b"[" * 20_000, b"\xff\xfe", b"9" * 5000, b"\r\n\r\n", b"\x00" * 8))
    return bytes(found)


def nearly(sounds: Sequence[bytes], seed: str, count: int) -> Iterator[bytes]:
    """So many that are nearly one of these; what is JSON is changed as such most of the time, in or beside its grammar."""
    random = Random(seed)
    for number in range(count):
        sound = sounds[number % len(sounds)]
        how = random.random()
        if how < 0.65:
            sound = _other_json(sound, random)
        elif how < 0.75:
            sound = _spliced(sound, random.choice(sounds), random)
        for _ in range(random.choice((0, 0, 1, 3)) if how < 0.65 else random.choice((1, 1, 2, 8))):
            sound = spoilt(sound, random) if sound else b"\x00"
        yield sound


def _other_json(content: bytes, random: Random) -> bytes:
    try:
        return json.dumps(changed(json.loads(content), random)).encode()
    except (ValueError, TypeError):
        return content


def _spliced(one: bytes, other: bytes, random: Random) -> bytes:
    return one[: random.randrange(len(one) + 1)] + other[random.randrange(len(other) + 1) :]
