"""Which classes a model takes for which others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from synergos.driver.errors import DriverError
from synergos.driver.frames import frame_of
from synergos.driver.pictures import Picture, blank, label
from synergos.foreign_json import items, mapping, whole
from synergos.foreign_text import on_terminal

if TYPE_CHECKING:
    import pandas as pd

_MOST_WRITTEN = 20
"""Classes of a matrix whose counts can be read in a picture."""


class ConfusionMatrix:
    """Rows by true and predicted class; a notebook shows them as a table, and :meth:`plot` draws them.

    Attributes:
        title: of what run it is, and over whose rows.
        classes: their names, in order.
        counts: a row for each true class, in it a count for each predicted one; None where a participant withholds it.
    """

    def __init__(self, title: str, classes: Sequence[str], counts: Sequence[Sequence[int | None]]) -> None:
        self.title = title
        self.classes = tuple(classes)
        self.counts = tuple(tuple(row) for row in counts)

    @classmethod
    def of(cls, title: str, figures: Mapping[str, object]) -> ConfusionMatrix:
        """Read it out of figures.

        Args:
            figures: of a participant or of all, as a validation has them.

        Raises:
            DriverError: there is none in them; says why.
        """
        told = mapping(figures.get("overall")).get("confusion_matrix")
        if told is None:
            why = mapping(figures.get("reasons")).get("overall.confusion_matrix") or "a regression has none"
            raise DriverError(f"there is no confusion matrix of {title}: {why}")
        rows = items(told)
        classes = named(items(figures.get("classes")), len(rows))
        return cls(title, classes, [[whole(each) for each in items(row)] or [None] * len(classes) for row in rows])

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each true class, a column for each predicted one, by their names."""
        import pandas as pd

        true = pd.Index(self.classes, name="true")
        predicted = pd.Index(self.classes, name="predicted")
        return pd.DataFrame([list(row) for row in self.counts], index=true, columns=predicted).astype("Int64")

    def plot(self, *, shares: bool = False) -> Picture:
        """Draw it, coloured by what share of a true class was predicted as which.

        Args:
            shares: write the shares instead of the counts.

        Raises:
            NotInstalled: matplotlib is not installed.
        """
        count = len(self.classes)
        side = min(4.2 + 0.35 * max(count - 4, 0), 14.0)
        picture = blank(self.title, side + 0.9, side)
        colours = [[float("nan") if share is None else share for share in row] for row in self.shares()]
        image = picture.axes.imshow(colours, cmap="Blues", vmin=0.0, vmax=1.0)
        picture.figure.colorbar(image, ax=picture.axes, label="share of the true class")
        names = [label(each) for each in self.classes]
        picture.axes.set_xticks(range(count), names, rotation=0 if max(map(len, names), default=0) < 8 else 45)
        picture.axes.set_yticks(range(count), names)
        picture.axes.set_xlabel("predicted")
        picture.axes.set_ylabel("true")
        if count <= _MOST_WRITTEN:
            self._write(picture, shares)
        return picture

    def shares(self) -> list[list[float | None]]:
        """Of each true class, what share was predicted as which; None where a count is withheld, or there is no row of it."""
        totals = [None if None in row else sum(each for each in row if each is not None) for row in self.counts]
        return [
            [each / total if each is not None and total else None for each in row]
            for row, total in zip(self.counts, totals, strict=True)
        ]

    def _write(self, picture: Picture, shares: bool) -> None:
        for y, (row, row_shares) in enumerate(zip(self.counts, self.shares(), strict=True)):
            for x, (count, share) in enumerate(zip(row, row_shares, strict=True)):
                shown = share if shares else count
                text = "–" if shown is None else f"{shown:.2f}" if shares else f"{shown}"
                colour = "white" if share is not None and share > 0.6 else "black"
                picture.axes.text(x, y, text, ha="center", va="center", color=colour)

    def __repr__(self) -> str:
        return on_terminal(f"Confusion matrix of {self.title} (a row for each true class)\n{self.frame}")

    def _repr_html_(self) -> str:
        # It escapes what is in it.
        return frame_of([{"of": self.title}]).to_html(index=False) + self.frame.to_html()


def named(classes: Sequence[object], count: int) -> list[str]:
    """The names of ``count`` classes; of one that has none, that it has none."""
    return [*("(other)" if name is None else str(name) for name in classes), *map(str, range(len(classes), count))]
