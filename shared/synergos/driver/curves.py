"""How a model does at other thresholds than its own: receiver operating characteristics, and precision over recall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from synergos.driver.confusion import named
from synergos.driver.errors import DriverError
from synergos.driver.frames import frame_of
from synergos.driver.pictures import Picture, blank, label
from synergos.foreign_text import on_terminal

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Point:
    """What a model does when it takes rows for a class that score at least so much.

    Attributes:
        threshold: infinite at the beginning of a curve, where no row does.
    """

    threshold: float
    true_positives: int
    false_positives: int


class ClassCurve:
    """One class against the rest.

    Attributes:
        name: of the class.
        points: from no row taken for it to all.
    """

    def __init__(self, name: str, points: Sequence[Point]) -> None:
        self.name = name
        self.points = tuple(points)

    @classmethod
    def of(cls, name: str, told: Mapping[str, Any]) -> ClassCurve:
        """Read what a validation says of a class."""
        counts = zip(told["thresholds"], told["TPs"], told["FPs"], strict=True)
        return cls(name, [Point(float("inf"), 0, 0), *(Point(*each) for each in counts)])

    def mirrored(self, name: str) -> ClassCurve:
        """The curve of the other one of two classes: its score is what is missing from 1, and it gets the rows that this does not."""
        rows, others = self.points[-1].true_positives, self.points[-1].false_positives
        last = [
            Point(1 - each.threshold, others - each.false_positives, rows - each.true_positives) for each in self.points
        ]
        # What scores 1 of the one scores 0 of the other; nobody scores less.
        return ClassCurve(name, [Point(float("inf"), 0, 0), *reversed(last[1:-1]), Point(0.0, others, rows)])

    @property
    def area(self) -> float | None:
        """Under the receiver operating characteristic, by trapezoids between its points; None where a class has no row.

        It is that of a curve with few points: what a validation calls ``roc_auc_score`` takes every row's own score.
        """
        rates = [(fpr, tpr) for fpr, tpr, _ in self.rates() if fpr is not None and tpr is not None]
        return (
            sum((right[0] - left[0]) * (left[1] + right[1]) / 2 for left, right in pairwise(rates)) if rates else None
        )

    def rates(self) -> Iterator[tuple[float | None, float | None, float | None]]:
        """Of each point false positive rate, true positive rate (recall) and precision; None for 0 of 0."""
        rows, others = self.points[-1].true_positives, self.points[-1].false_positives
        for point in self.points:
            taken = point.true_positives + point.false_positives
            yield (
                point.false_positives / others if others else None,
                point.true_positives / rows if rows else None,
                point.true_positives / taken if taken else None,
            )


class RocCurves:
    """The curves of a model's classes; a notebook shows their areas, :meth:`plot` draws them.

    Attributes:
        title: of what run they are, and over whose rows.
        classes: the curves, in the order of the classes; without those that are withheld.
    """

    def __init__(self, title: str, classes: Sequence[ClassCurve]) -> None:
        self.title = title
        self.classes = tuple(classes)

    @classmethod
    def of(cls, title: str, figures: Mapping[str, Any]) -> RocCurves:
        """Read them out of figures.

        Args:
            figures: of a participant or of all, as a validation has them.

        Raises:
            DriverError: there are none in them; says why.
        """
        classes = figures.get("classes") or []
        told = figures.get("curves") or [None] * len(classes)
        names = named(classes, len(told))
        curves = [ClassCurve.of(name, each) if each else None for name, each in zip(names, told, strict=True)]
        if len(curves) == 2 and curves[0] is None and curves[1] is not None:
            curves[0] = curves[1].mirrored(names[0])
        found = [curve for curve in curves if curve is not None]
        if not found:
            reasons = [each for each in (figures.get("reasons") or {}).get("curves") or [] if each]
            why = reasons[-1] if reasons else "a regression has none, nor has what an older release measured"
            raise DriverError(f"there are no curves of {title}: {why}")
        return cls(title, found)

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each class and threshold: ``TPs``, ``FPs``, ``FPR``, ``TPR`` (recall) and ``precision``."""
        return frame_of(
            {
                "label": curve.name,
                "threshold": point.threshold,
                "TPs": point.true_positives,
                "FPs": point.false_positives,
                "FPR": fpr,
                "TPR": tpr,
                "precision": precision,
            }
            for curve in self.classes
            for point, (fpr, tpr, precision) in zip(curve.points, curve.rates(), strict=True)
        )

    @property
    def table(self) -> pd.DataFrame:
        """A row for each class: its rows, and the area under its curve."""
        return frame_of(
            {
                "label": curve.name,
                "rows": curve.points[-1].true_positives,
                "other rows": curve.points[-1].false_positives,
                "points": len(curve.points),
                "area": curve.area,
            }
            for curve in self.classes
        )

    def plot(self) -> Picture:
        """Draw the receiver operating characteristic of each class: what share of its rows is found, over what share of others is taken
        for it.

        Raises:
            NotSupported: matplotlib is not installed.
        """
        picture = blank(f"ROC of {self.title}", 5.4, 5.0)
        picture.axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
        for curve in self.classes:
            points = [(fpr, tpr) for fpr, tpr, _ in curve.rates() if fpr is not None and tpr is not None]
            area = "" if curve.area is None else f" (area {curve.area:.3f})"
            _draw(picture, points, f"{curve.name}{area}")
        return _labelled(picture, "false positive rate", "true positive rate")

    def plot_precision(self) -> Picture:
        """Draw, of each class, what share of what is taken for it is, over what share of it is found.

        Raises:
            NotSupported: matplotlib is not installed.
        """
        picture = blank(f"Precision of {self.title}", 5.4, 5.0)
        for curve in self.classes:
            points = [(tpr, share) for _, tpr, share in curve.rates() if tpr is not None and share is not None]
            _draw(picture, points, curve.name)
        return _labelled(picture, "recall (true positive rate)", "precision")

    def __repr__(self) -> str:
        return on_terminal(f"ROC of {self.title}\n{self.table}")

    def _repr_html_(self) -> str:
        # It escapes what is in it.
        return frame_of([{"of": self.title}]).to_html(index=False) + self.table.to_html(index=False)


def _draw(picture: Picture, points: Sequence[tuple[float, float]], name: str) -> None:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    picture.axes.plot(xs, ys, marker=".", markersize=3, linewidth=1.2, label=label(name))


def _labelled(picture: Picture, x: str, y: str) -> Picture:
    picture.axes.set_xlabel(x)
    picture.axes.set_ylabel(y)
    picture.axes.set_xlim(-0.02, 1.02)
    picture.axes.set_ylim(-0.02, 1.02)
    picture.axes.legend(loc="lower right")
    return picture
