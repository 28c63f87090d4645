"""Those who answer: what they have of the system, they give back."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from synergos.program.answering import Answering
from synergos.program.server import ServerSettings

OWN_FILES = Path("/proc/self/fd")


def nothing(_environ: object, _start_response: object) -> Iterable[bytes]:
    return ()


def own_pipes() -> set[str]:
    # A file of the listing itself is gone by then.
    found = [file.readlink() for file in OWN_FILES.iterdir() if file.is_symlink()]
    return {str(each) for each in found if str(each).startswith("pipe:")}


def test_when_it_is_closed_it_has_no_file_open() -> None:
    before = own_pipes()
    answering = Answering(
        ServerSettings("127.0.0.1", (5000,), threads=2),
        None,
        nothing,
        lambda: True,
        lambda _one, _is_kept: None,
        logging,
    )
    assert len(own_pipes() - before) == 1

    answering.leave()
    answering.close()

    assert own_pipes() <= before
