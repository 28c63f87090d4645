"""What a health watch has found, as metrics."""

from __future__ import annotations

from pathlib import Path

from synergos.program.health_metrics import health_metrics
from synergos.program.health_watch import FolderCheck, HealthWatch


def found_by(watch: HealthWatch) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in health_metrics(watch)()
        for sample in family.samples
    }


def test_what_fails_and_how_full_disks_are_is_told_as_it_was_seen_last(tmp_path: Path) -> None:
    watch = HealthWatch({"outputs": FolderCheck(tmp_path), "record store": lambda: "it does not answer"})
    assert found_by(watch) == {
        ("synergos_health_check_failing", "outputs"): 0,
        ("synergos_health_check_failing", "record store"): 0,
    }

    watch.look()

    found = found_by(watch)
    assert found["synergos_health_check_failing", "outputs"] == 0
    assert found["synergos_health_check_failing", "record store"] == 1
    assert 0 < found["synergos_disk_free_bytes", "outputs"] <= found["synergos_disk_size_bytes", "outputs"]
    assert ("synergos_disk_free_bytes", "record store") not in found


def test_nothing_is_told_of_a_disk_that_cannot_be_looked_at(tmp_path: Path) -> None:
    watch = HealthWatch({"outputs": FolderCheck(tmp_path / "gone")})
    watch.look()

    assert found_by(watch) == {("synergos_health_check_failing", "outputs"): 1}
