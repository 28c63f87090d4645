"""The losses of a training, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from synergos.driver.frames import frame_of
from synergos.driver.losses import GLOBAL_SERIES, Loss
from synergos.driver.pictures import Picture, blank, label
from synergos.foreign_text import on_terminal

if TYPE_CHECKING:
    import pandas as pd

_MOST_HTML_ROWS = 30
_FEW_ROUNDS = 40


class History:
    """The losses of a run's training; a notebook shows them as a table, and :meth:`plot` draws them.

    Attributes:
        key: the ids of the run, outermost first.
        losses: by origin and series in order of rounds.
    """

    def __init__(self, key: Mapping[str, str], losses: Sequence[Loss]) -> None:
        self.key = dict(key)
        self.losses = tuple(losses)

    @property
    def frame(self) -> pd.DataFrame:
        """A row per origin, series and round, with the ids of the run in the first columns."""
        return frame_of({**self.key, **vars(each)} for each in self.losses)

    @property
    def table(self) -> pd.DataFrame:
        """A row per round, and a column for each curve: ``train``, ``evaluate``, and the participants by their ids."""
        rows: dict[int, dict[str, object]] = {}
        for each in self.losses:
            rows.setdefault(each.round, {"round": each.round})[_name(each)] = each.loss
        return frame_of(rows[number] for number in sorted(rows)).set_index("round") if rows else frame_of([])

    def plot(self, *, log: bool = False) -> Picture:
        """Draw the losses over the rounds: the global model's, and in thin lines each participant's own.

        Args:
            log: losses on a logarithmic scale.

        Raises:
            NotInstalled: matplotlib is not installed.
        """
        picture = blank(f"Losses of {'/'.join(self.key.values())}")
        for name, (losses, is_global) in self._curves().items():
            # Of a training of one round there is no line to be seen.
            marker = "." if len(losses) < _FEW_ROUNDS else ""
            width, opacity = (2.0, 1.0) if is_global else (0.9, 0.7)
            picture.axes.plot(
                list(losses), list(losses.values()), label=label(name), marker=marker, linewidth=width, alpha=opacity
            )
        picture.axes.set_xlabel("round")
        picture.axes.set_ylabel("loss")
        if log:
            picture.axes.set_yscale("log")
        if self.losses:
            picture.axes.legend()
        return picture

    def _curves(self) -> dict[str, tuple[dict[int, float], bool]]:
        curves: dict[str, tuple[dict[int, float], bool]] = {}
        for each in self.losses:
            losses, _ = curves.setdefault(_name(each), ({}, each.series in GLOBAL_SERIES))
            losses[each.round] = float("nan") if each.loss is None else each.loss
        return curves

    def __repr__(self) -> str:
        return on_terminal(f"Losses of {'/'.join(self.key.values())}\n{self.table}")

    def _repr_html_(self) -> str:
        # It escapes what is in it.
        return self.table.to_html(max_rows=_MOST_HTML_ROWS)


def _name(loss: Loss) -> str:
    if loss.series in GLOBAL_SERIES:
        return loss.series
    return f"{loss.origin} (local)" if loss.origin in GLOBAL_SERIES else loss.origin
