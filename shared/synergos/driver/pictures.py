"""Pictures of results, drawn with matplotlib, which the extra ``plots`` brings."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from synergos.errors import NotInstalled
from synergos.extras import needed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Picture:
    """A picture; a notebook shows it by itself.

    Attributes:
        figure: matplotlib's, to change or to save in other ways.
        axes: what is drawn in, likewise.
    """

    def __init__(self, figure: Figure, axes: Axes) -> None:
        self.figure = figure
        self.axes = axes

    def save(self, to: str | Path) -> Path:
        """Write it to a file, of the kind that its name ends with: ``.png``, ``.svg``, ``.pdf``."""
        self.figure.savefig(to)
        return Path(to)

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.figure.savefig(written, format="png")
        return written.getvalue()

    def __repr__(self) -> str:
        return f"Picture({plain_text(self.axes.get_title())!r}); save('picture.png') writes it"


def blank(title: str, width: float = 6.4, height: float = 4.2) -> Picture:
    """A picture with nothing but its title.

    Args:
        width: in inches, as ``height``.

    Raises:
        NotInstalled: matplotlib is not installed; names the extra that brings it.
    """
    try:
        # Not pyplot, which keeps figures for the one thread that shows them.
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NotInstalled(f"a picture {needed(error, 'plots')}") from error
    figure = Figure(figsize=(width, height), layout="constrained", dpi=110)
    axes = figure.add_subplot()
    axes.set_title(label(title), wrap=True)
    return Picture(figure, axes)


def label(text: object) -> str:
    """A text that others wrote, as it is: matplotlib takes what stands between two dollars for a formula, and leaves what begins
    with an underscore out of a legend."""
    shown = str(text).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def plain_text(text: str) -> str:
    """What :func:`label` was given, but for a blank."""
    return text.replace(r"\$", "$")
