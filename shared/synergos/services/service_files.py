"""The files of a service: what each program has, where systemd looks for it, and whose it is afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path, PurePosixPath

_UNITS = PurePosixPath("etc/systemd/system")
_SETTINGS = PurePosixPath("etc/synergos")
_COMMON = {
    "sysusers.conf": PurePosixPath("etc/sysusers.d/synergos.conf"),
    "tmpfiles.conf": PurePosixPath("etc/tmpfiles.d/synergos.conf"),
    "journald@synergos.conf": PurePosixPath("etc/systemd/journald@synergos.conf"),
    "logrotate.conf": PurePosixPath("etc/logrotate.d/synergos"),
}
"""What all services share, by name here."""


class Program(StrEnum):
    """What can be a service."""

    WORKER = "worker"
    TTP = "ttp"
    DIRECTOR = "director"


_BESIDE = {
    Program.WORKER: ("synergos-tidy-worker.service", "synergos-tidy-worker.timer"),
    Program.TTP: (
        "synergos-backup.service",
        "synergos-backup.timer",
        "synergos-tidy-ttp.service",
        "synergos-tidy-ttp.timer",
    ),
    Program.DIRECTOR: (),
}
"""Units that somebody may enable as well."""


@dataclass(frozen=True)
class ServiceFile:
    """One file.

    Attributes:
        path: from the root of the host.
        is_settings: whether it is the administrator's once it is there; others are written over, and changed by drop-ins.
    """

    path: PurePosixPath
    text: str
    is_settings: bool = False


@dataclass(frozen=True)
class Written:
    """What became of a file."""

    path: Path
    was_kept: bool


def files_of(program: Program, programs: Path) -> list[ServiceFile]:
    """The files of one service, its unit first.

    Args:
        programs: the folder of the environment's programs; units name them by it.
    """
    units = [f"synergos-{program}.service", *_BESIDE[program]]
    return [
        *(ServiceFile(_UNITS / name, _unit(name, programs)) for name in units),
        ServiceFile(_SETTINGS / f"{program}.env", _read(f"{program}.env"), is_settings=True),
        *(ServiceFile(path, _read(name), is_settings=name == "logrotate.conf") for name, path in _COMMON.items()),
    ]


def write(found: Sequence[ServiceFile], root: Path) -> list[Written]:
    """Write files below a root; settings that are there stay.

    Raises:
        OSError: one cannot be written.
    """
    written = []
    for file in found:
        path = root / file.path
        keeps = file.is_settings and path.exists()
        if not keeps:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.new")
            draft.write_text(file.text, encoding="utf-8")
            draft.chmod(0o640 if file.path.suffix == ".env" else 0o644)
            draft.replace(path)
        written.append(Written(path, keeps))
    return written


def _unit(name: str, programs: Path) -> str:
    filled = {
        "@confinement@\n": _read("confinement.conf"),
        "@unit@": PurePosixPath(name).stem,
        "@bin@": str(programs),
    }
    text = _read(name)
    for word, meaning in filled.items():
        text = text.replace(word, meaning)
    return text


def _read(name: str) -> str:
    return (files(__package__) / "files" / name).read_text(encoding="utf-8")
