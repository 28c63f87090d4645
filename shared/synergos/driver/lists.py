"""What a list is asked with: how much of it, in which order, which items, and which of their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Choice = str | int | Sequence[str] | None
"""One of: ``limit`` (1 to 1000), ``cursor`` (the ``next`` of the answer before), ``order`` (``oldest`` or ``newest``),
``fields`` (names), and what items are chosen by: ids such as ``run_id``, and of jobs and studies ``state``."""


def query(choices: Mapping[str, Choice]) -> dict[str, str]:
    """The query parameters that say so; None says nothing."""
    return {name: _text(value) for name, value in choices.items() if value is not None}


def _text(value: str | int | Sequence[str]) -> str:
    return str(value) if isinstance(value, str | int) else ",".join(value)
