"""The units start the programs with flags that these have, and leave an administrator's settings alone."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import synergos_director.__main__
import synergos_ttp.__main__
import synergos_worker.__main__
from synergos.services import Program, files_of, write

BIN = Path("/opt/synergos/bin")
PARSERS: dict[Program, Callable[[], argparse.ArgumentParser]] = {
    Program.WORKER: synergos_worker.__main__.parser,
    Program.TTP: synergos_ttp.__main__.parser,
    Program.DIRECTOR: synergos_director.__main__.parser,
}


def started(program: Program, settings: str) -> list[str]:
    """What systemd makes of a unit's ExecStart: variables in braces are one word, others as many as are in them."""
    unit = next(file for file in files_of(program, BIN) if file.path.name == f"synergos-{program}.service")
    [line] = re.findall(r"^ExecStart=(.*)$", unit.text, re.MULTILINE)
    told = dict(line.split("=", 1) for line in settings.splitlines() if line and not line.startswith("#"))
    words = []
    for word in shlex.split(line.replace("%S", "/var/lib")):
        if re.fullmatch(r"\$[A-Z]+", word):
            words += told[word[1:]].split()
        else:
            words.append(re.sub(r"\$\{(\w+)\}", lambda found: told[found[1]], word))
    return words


@pytest.mark.parametrize("program", list(Program))
def test_a_unit_starts_its_program_with_flags_that_it_has(program: Program) -> None:
    settings = next(file.text for file in files_of(program, BIN) if file.path.suffix == ".env")
    command, *flags = started(program, settings.replace("FLAGS=", "FLAGS=--cpus 2 ", 1))

    given = PARSERS[program]().parse_args(flags)

    assert command == f"/opt/synergos/bin/synergos-{program}"
    assert (given.id, given.port, given.cpus) == (program, 5000, 2)
    assert given.outputs == Path(f"/var/lib/synergos/{program}/outputs")


@pytest.mark.parametrize("program", list(Program))
def test_settings_that_are_there_stay_and_units_are_written_over(program: Program, tmp_path: Path) -> None:
    found = files_of(program, BIN)
    write(found, tmp_path)
    settings = tmp_path / "etc/synergos" / f"{program}.env"
    unit = tmp_path / "etc/systemd/system" / f"synergos-{program}.service"
    settings.write_text("ID=mine\n")
    unit.write_text("of before")

    written = write(found, tmp_path)

    assert settings.read_text() == "ID=mine\n"
    assert unit.read_text() == found[0].text
    assert {file.path.name for file in written if file.was_kept} == {f"{program}.env", "synergos"}
    assert settings.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("program", list(Program))
def test_nothing_is_left_to_be_filled_in(program: Program) -> None:
    for file in files_of(program, BIN):
        assert not re.search(r"@[a-z]+@", file.text), file.path
