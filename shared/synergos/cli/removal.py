"""``synergos removal``: files of what was deleted that are not gone yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from synergos import Driver
from synergos.cli.connection import connected
from synergos.cli.listing import LimitOption, limit_of, say_if_there_is_more
from synergos.cli.output import Format, FormatOption, counted, moment, print_json, print_table
from synergos.cli.short_ids import shortened, with_removal
from synergos.foreign_json import mapping


@connected
def list_removals(driver: Driver, limit: LimitOption = None, output: FormatOption = Format.TABLE) -> None:
    """List files of what was deleted that could not be removed yet, newest first, and why."""
    answer = driver.removals.read_all(order="newest", limit=limit_of(limit, output))
    _show(answer["data"], output)
    say_if_there_is_more(answer)


@connected
def delete(
    driver: Driver,
    removal: Annotated[
        str,
        typer.Argument(metavar="REMOVAL", help="An id, as `synergos removal list` shows it; its beginning is enough."),
    ],
    output: FormatOption = Format.TABLE,
) -> None:
    """Try a removal no more, for instance because its host is gone for good; the files stay where they are."""
    _show([with_removal(driver, removal, lambda given: driver.removals.delete(given)["data"])], output)


def _show(removals: Sequence[Mapping[str, object]], output: Format) -> None:
    if output is Format.JSON:
        print_json(list(removals))
        return
    short = shortened(str(removal["id"]) for removal in removals)
    rows = [
        {
            "id": short[str(removal["id"])],
            "of": "/".join(map(str, mapping(removal["key"]).values())),
            "where": removal["place"],
            "deleted": moment(removal["deleted_at"]),
            "reason": removal["reason"],
        }
        for removal in removals
    ]
    print_table(counted(len(rows), "removal"), ("id", "of", "where", "deleted", "reason"), rows)
