"""Which rounds are written: a few spans, however many rounds there are."""

from __future__ import annotations


class Steps:
    """Numbers, added mostly in order."""

    def __init__(self) -> None:
        # First and last of each span, in order; they do not touch.
        self._spans: list[list[int]] = []

    def __contains__(self, step: int) -> bool:
        """Whether it was added."""
        return any(first <= step <= last for first, last in reversed(self._spans))

    def add(self, step: int) -> None:
        """Add one."""
        if self._spans and step == self._spans[-1][1] + 1:
            self._spans[-1][1] = step
        elif step not in self:
            self._spans = _joined(sorted([*self._spans, [step, step]]))


def _joined(spans: list[list[int]]) -> list[list[int]]:
    joined = [spans[0]]
    for first, last in spans[1:]:
        if first == joined[-1][1] + 1:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    return joined
