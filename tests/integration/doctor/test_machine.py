"""What a machine has, and what of it is too little."""

from __future__ import annotations

from pathlib import Path

import pytest

from synergos.doctor.finding import State
from synergos.doctor.machine import machine


def found(hop: str, *folders: Path) -> tuple[State, str]:
    [finding] = [finding for finding in machine(folders) if finding.hop == hop]
    return finding.state, finding.said


def put(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_version_memory_and_disk_are_said(tmp_path: Path) -> None:
    assert found("version")[1].startswith("Synergos ")
    assert "GiB free" in found("memory")[1]
    state, text = found("disk", tmp_path)
    assert (state in State, text.endswith(str(tmp_path)) or str(tmp_path) in text) == (True, True)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert found("disk", tmp_path / "none") == (
        State.FAILED,
        f"{tmp_path / 'none'} cannot be looked at: No such file or directory",
    )


def test_a_machine_without_a_gpu_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert found("GPU") == (State.FINE, "none that a driver knows of; training uses the processors")


def test_a_gpu_that_torch_cannot_use_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "nvidia-smi", "echo 'Card 1, 79000 MiB'")
    put(tmp_path, "python", "echo 0 12.8")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))

    state, text = found("GPU")

    assert state is State.FAILED
    assert text.startswith("Card 1, 79000 MiB, but torch cannot use it (CUDA 12.8): install a torch that goes with")


def test_a_gpu_that_torch_uses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "nvidia-smi", "echo 'Card 1, 79000 MiB'")
    put(tmp_path, "python", "echo 1 13.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))

    assert found("GPU") == (State.FINE, "Card 1, 79000 MiB; torch uses 1 of them (CUDA 13.0)")
