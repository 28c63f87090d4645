"""What ``synergos service`` gives out is what the host's own programs take: systemd, sysusers, tmpfiles, logrotate."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synergos.services import Program, files_of, write

PROGRAMS = Path(sys.executable).absolute().parent

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="UNITS ARE NOT TESTED: systemd is not installed"
)


def output_of(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(params=list(Program))
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Of a host on which one program was made a service."""
    write(files_of(request.param, PROGRAMS), tmp_path)
    return tmp_path


def units_below(root: Path) -> list[Path]:
    return sorted((root / "etc/systemd/system").iterdir())


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(root: Path) -> None:
    assert output_of("systemd-analyze", "verify", *units_below(root)) == (0, "")


@needs_systemd
def test_systemd_would_find_a_program_that_is_not_there(root: Path) -> None:
    [unit] = [path for path in units_below(root) if path.stem.removeprefix("synergos-") in list(Program)]
    unit.write_text(unit.read_text().replace(f"{PROGRAMS}/synergos", "/nowhere/synergos"))

    code, words = output_of("systemd-analyze", "verify", unit)

    assert code != 0
    assert "/nowhere/synergos" in words


@needs_systemd
def test_the_services_are_confined(root: Path) -> None:
    services = [path for path in units_below(root) if path.suffix == ".service"]

    for service in services:
        # Of ten; everything below 2.5 is what systemd calls OK.
        code, words = output_of(
            "systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager", service
        )
        assert code == 0, words


@needs_systemd
def test_the_user_and_the_folders_are_made(root: Path) -> None:
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    made = [
        output_of("systemd-sysusers", f"--root={root}", "synergos.conf"),
        output_of("systemd-tmpfiles", f"--root={root}", "--create", "synergos.conf"),
    ]

    assert [code for code, _ in made] == [0, 0], made
    assert "synergos:x:" in (root / "etc/passwd").read_text()
    assert (root / "var/backups/synergos").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="LOG ROTATION IS NOT TESTED: logrotate is not installed")
def test_files_of_logs_are_rotated(root: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "worker.log").write_text("a line\n")
    rules = (root / "etc/logrotate.d/synergos").read_text()
    own = tmp_path / "rules"
    own.write_text(rules.replace("/var/log/synergos", str(logs)).replace("    su synergos synergos\n", ""))

    code, words = output_of("logrotate", "--force", "--state", tmp_path / "state", own)

    assert (code, words) == (0, "")
    assert (logs / "worker.log").read_text() == ""
    assert [path.name for path in logs.iterdir() if path.name != "worker.log"] == ["worker.log.1"]
