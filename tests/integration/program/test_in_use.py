"""Two programs on one folder, as processes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from synergos.errors import Conflict
from synergos.in_use import outputs_alone

DEADLINE = 120
HOLDS = """
import subprocess, sys
from pathlib import Path
from synergos.in_use import outputs_alone

held = outputs_alone(Path(sys.argv[1]), "worker_1")
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
input()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the folder, and a child that lives as long as the pipe to it."""
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        process.kill()


def test_a_second_worker_says_who_has_its_outputs_and_since_when_and_ends(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    command = [sys.executable, "-m", "synergos_worker", "--id", "worker_2", "--outputs", str(tmp_path)]
    command += ["--data", str(tmp_path), "--port", "6901", "--data_port", "6902"]

    second = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)

    assert second.returncode not in (0, 2)
    told = rf"in use by worker_1 on .+, process {holder.pid}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    assert re.search(told, second.stdout + second.stderr)


def test_a_killed_program_leaves_the_folder_though_a_child_of_it_lives_on(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(Conflict, match=f"process {holder.pid},"):
        outputs_alone(tmp_path, "worker_2")

    holder.kill()
    holder.wait(DEADLINE)

    outputs_alone(tmp_path, "worker_2").release()
