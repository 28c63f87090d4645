"""``synergos init``, ``diff``, ``apply`` and ``destroy``: a project as its file declares it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Annotated

import typer

from synergos import Driver
from synergos.cli.exits import ExitCode
from synergos.cli.output import Format, FormatOption, print_json, print_table, say
from synergos.domain.records import Kind
from synergos.driver import DriverError
from synergos.errors import Conflict, InvalidRequest
from synergos.federation import FILE_NAME, Federation, read_federation
from synergos.federation.applying import Deed, Done
from synergos.federation.applying import apply as apply_records
from synergos.federation.comparison import Comparison, Standing, compare
from synergos.federation.declared import Declared
from synergos.federation.destruction import Fate, fates
from synergos.federation.destruction import destroy as destroy_records
from synergos.federation.shape import published
from synergos.federation.template import TEMPLATE
from synergos.foreign_text import on_terminal

FileOption = Annotated[Path, typer.Option("--file", metavar="FILE", help="The project file.", dir_okay=False)]
_ALIGNED = frozenset({Kind.PROJECT, Kind.REGISTRATION, Kind.TAG})
"""What an agreement rests on."""


def init(
    file: Annotated[Path, typer.Option("--file", metavar="FILE", help="What to write.", dir_okay=False)] = Path(
        FILE_NAME
    ),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Write nothing but the JSON Schema of project files, to standard output.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Write a project file with a word about everything it may say."""
    if schema:
        print_json(published())
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as written:
            written.write(TEMPLATE)
    except FileExistsError:
        raise Conflict(f"{file} is there already; --force writes over it") from None
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}", "--file") from None
    if output is Format.JSON:
        print_json({"file": str(file)})
    say(f"{file} is written: change it to what is meant, then synergos diff and synergos apply")


def diff(driver: Driver, file: FileOption = Path(FILE_NAME), output: FormatOption = Format.TABLE) -> None:
    """Show what the orchestrator has otherwise than a project file; ends with 8 when there is anything."""
    comparisons = compare(driver, read_federation(file))
    differing = [each for each in comparisons if each.standing is not Standing.SAME]
    if output is Format.JSON:
        print_json({"file": str(file), "records": [_compared(each) for each in comparisons]})
    else:
        rows = [
            {"record": str(each.declared), "how": each.standing, "there → file": "\n".join(map(str, each.differences))}
            for each in differing
        ]
        title = f"{len(differing)} of {len(comparisons)} records are otherwise than {file} says"
        print_table(title, ("record", "how", "there → file"), rows)
    if differing:
        raise typer.Exit(ExitCode.DIFFERS)


def apply(driver: Driver, file: FileOption = Path(FILE_NAME), output: FormatOption = Format.TABLE) -> None:
    """Declare what a project file says: create what is missing, change what differs, leave the rest.

    When a record is refused, those before it are done and those after it are not; both are named.
    """
    federation = read_federation(file)
    comparisons = compare(driver, federation)
    deeds = apply_records(driver, comparisons)
    done = _carry_out(federation, [each.declared for each in comparisons], deeds, output)
    if any(each.is_change and each.declared.kind in _ALIGNED for each in done):
        say("the project is to be aligned: synergos align")


def destroy(
    driver: Driver,
    file: FileOption = Path(FILE_NAME),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep_files: Annotated[
        bool, typer.Option("--keep-files", help="Leave models, predictions and other files where they are.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Delete what a project file declares, with its results, and nothing else: what holds something of others stays."""
    federation = read_federation(file)
    planned = fates(driver, federation)
    if any(each.deed is Deed.DELETED for each in planned) and not yes:
        _ask(driver, planned)
    _carry_out(
        federation, [each.declared for each in planned], destroy_records(driver, planned, keep_files=keep_files), output
    )


def _ask(driver: Driver, planned: Sequence[Fate]) -> None:
    going = sum(each.deed is Deed.DELETED for each in planned)
    for each in planned:
        if each.deed is not Deed.ABSENT:
            words = ["goes" if each.deed is Deed.DELETED else "stays", *each.reasons, *_with(each.results)]
            say(f"  {each.declared} {', '.join(words)}")
    # Not typer's own, which writes to standard output too.
    print(f"Delete these {going} records of {driver.address}? [y/N]", end=" ", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise InvalidRequest("nobody answered, so nothing was deleted; --yes does not ask")
    if answer.strip().lower() not in {"y", "yes"}:
        say("nothing was deleted")
        raise typer.Exit(ExitCode.FAILED)


def _with(results: Mapping[Kind, int]) -> list[str]:
    counted = [f"{count} {kind.lower()}{'s' if count > 1 else ''}" for kind, count in results.items() if count]
    return [f"with {' and '.join(counted)}"] if counted else []


def _carry_out(
    federation: Federation, planned: Sequence[Declared], deeds: Iterator[Done], output: Format
) -> Sequence[Done]:
    """Do it, and say what was done as it is done, also where it comes to an end before its time."""
    done: list[Done] = []
    try:
        for each in deeds:
            done.append(each)
            _tell([each], output)
    except DriverError as error:
        _end_early(federation, planned, done, error.message, output)
        raise _placed(error, federation, planned[len(done)], done) from error
    except KeyboardInterrupt:
        _end_early(federation, planned, done, "interrupted; synergos diff tells whether it was done", output)
        raise
    _sum_up(federation, done, output)
    return done


def _end_early(
    federation: Federation, planned: Sequence[Declared], done: Sequence[Done], reason: str, output: Format
) -> None:
    others = [Done(each, Deed.NOT_DONE) for each in planned[len(done) :]]
    if others:
        others[0] = Done(others[0].declared, Deed.FAILED, (reason,))
    _tell(others, output)
    _sum_up(federation, [*done, *others], output)


def _tell(done: Sequence[Done], output: Format) -> None:
    """Write what became of records to standard output, but for those with which there was nothing to do."""
    if output is Format.JSON:
        return
    for each in done:
        if each.deed not in {Deed.LEFT, Deed.ABSENT}:
            lines = [f"{each.deed:<9}{each.declared}", *(f"{'':<9}  {note}" for note in each.notes)]
            print(on_terminal("\n".join(lines)), flush=True)


def _sum_up(federation: Federation, done: Sequence[Done], output: Format) -> None:
    if output is Format.JSON:
        records = [{**_names(each.declared), "deed": each.deed, "notes": each.notes} for each in done]
        print_json({"file": str(federation.path), "records": records})
        return
    counts = Counter(each.deed for each in done)
    print(f"{federation.path}: {', '.join(f'{count} {deed}' for deed, count in counts.items())}")


def _placed(error: DriverError, federation: Federation, failed: Declared, done: Sequence[Done]) -> DriverError:
    """The same failure, with the line of the file that it is about, and with what was done before."""
    changes = [f"{each.deed} {each.declared}" for each in done if each.is_change]
    told = copy(error)
    where = federation.place(failed.place_of(error.field))
    told.message = (
        f"{where}: {failed}: {error.message}; before it: {', '.join(changes) or 'nothing'}; after it: nothing"
    )
    return told


def _compared(comparison: Comparison) -> dict[str, object]:
    differences = [
        {"field": each.field, "stored": each.stored, "declared": each.declared} for each in comparison.differences
    ]
    return {**_names(comparison.declared), "standing": comparison.standing, "differences": differences}


def _names(declared: Declared) -> dict[str, object]:
    return {"kind": declared.kind, "keys": dict(declared.key)}
