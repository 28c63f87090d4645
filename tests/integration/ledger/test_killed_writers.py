"""A process that is killed while it writes its ledger loses no line that anybody was told of, and does the chain no harm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from synergos.ledger.place import LedgerPlace
from synergos.ledger.reading import lines_in
from synergos.ledger.verification import verify

_WRITER = """
import sys
from pathlib import Path
from synergos.identity.identity import Renewable
from synergos.ledger.ledger import Ledger
from synergos.ledger.place import LedgerPlace

place = LedgerPlace(Path(sys.argv[1]), "worker")
ledger = Ledger(place, Renewable(place.own / ".trust" / "worker.json"), largest=20_000)
number = 0
while True:
    ledger.append("use", {"process": sys.argv[2], "number": number, "folders": {"train": ["a folder"] * 20}})
    print(number, flush=True)
    number += 1
"""


def told_until_killed(own: Path, name: str, lines: int) -> int:
    """How many lines a process says that it has written, before it is killed."""
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(own), name], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
        return lines + len(process.stdout.read().splitlines())


def test_killed_writers_do_the_chain_no_harm(tmp_path: Path) -> None:
    told = {name: told_until_killed(tmp_path, name, lines) for name, lines in (("a", 3), ("b", 40), ("c", 7))}

    place = LedgerPlace(tmp_path, "worker")
    found = verify(place)
    lines = [line.about for line in lines_in(place) if line is not None and line.what == "use"]

    assert found.is_sound, found.findings
    assert len(place.files()) > 1
    for name, count in told.items():
        written = [line["number"] for line in lines if line["process"] == name]
        assert written == list(range(len(written)))
        assert len(written) >= count
