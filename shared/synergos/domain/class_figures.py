"""Figures of single classes, as validations hold them; what is averaged over classes is averaged over these."""

from __future__ import annotations

from collections.abc import Mapping


def of_classes_with_rows(statistics: Mapping[str, object], name: str) -> list[float]:
    """A figure of each class that has rows and of which it is known; of a regression the one there is.

    Whatever was predicted: without rows of a class nobody knows how well it would be found.
    """
    value = statistics.get(name)
    values = value if isinstance(value, list) else [value]
    # Of a class whose rows are withheld, so are the figures.
    counts = [statistics.get(count) or [None] * len(values) for count in ("TPs", "FNs")]
    absent = [found == missed == 0 for found, missed in zip(*counts, strict=True)]
    return [number for number, is_absent in zip(values, absent, strict=True) if number is not None and not is_absent]
