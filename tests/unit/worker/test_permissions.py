"""A permission of very many folders is looked up often, and costs little each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose
from synergos.errors import NotAllowed
from synergos.permission.counts import Counts
from synergos.permission.editing import grant
from synergos.permission.folders import Held, PermissionFiles
from synergos.permission.judging import Unlisted
from synergos.permission.use import FILE_NAME, Reader, Uses
from synergos_worker.permissions import Asking, Permissions

NAMES = [f"{number}" for number in range(5)]


class _Counting(PermissionFiles):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.looks: list[str] = []

    def of(self, folder: Path) -> Held | None:
        self.looks.append(folder.name)
        return super().of(folder)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A dataset of a folder for each label, and a link to a file of another one."""
    for name in NAMES:
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "image.png").touch()
    (tmp_path / "aside").mkdir()
    (tmp_path / "aside" / "image.png").touch()
    (tmp_path / "images" / "link.png").symlink_to(tmp_path / "aside" / "image.png")
    return tmp_path / "images"


def test_every_file_is_looked_at_once_in_one_look(images: Path) -> None:
    files, seen = _Counting(images.parent), dict[Path, Held | None]()

    for name in NAMES:
        files.holding(files.root / "images" / name, seen)

    assert sorted(files.looks) == sorted([files.root.name, "images", *NAMES])


def test_a_round_takes_what_was_found_lately_and_whoever_ends_sessions_does_not(images: Path) -> None:
    now = [0.0]
    counts = Counts(images.parent / "uses.json")
    permissions = Permissions(images.parent, Unlisted.ALLOW, lambda who: (who,), counts, lambda: now[0])
    permit = permissions.permit(Asking("1" * 64), ProjectKey("c", "p"), {Purpose.TRAIN: [("images",)]})
    (images / NAMES[-1] / FILE_NAME).write_text("rules: []")

    permit.refuse(0.5)
    now[0] = 0.5
    with pytest.raises(NotAllowed, match=f"'images/{NAMES[-1]}'"):
        permit.refuse(0.5)
    (images / NAMES[-1] / FILE_NAME).unlink()
    permit.refuse()
    (images / NAMES[-1] / FILE_NAME).write_text("rules: []")
    permit.refuse(0.5)
    for within in (0.0, 0.5):
        # What has been refused is not allowed again for what was found before.
        with pytest.raises(NotAllowed):
            permit.refuse(within)


def test_the_folders_of_a_tag_are_those_its_files_really_lie_in(images: Path) -> None:
    permissions = Permissions(images.parent, Unlisted.ALLOW, lambda who: (who,), Counts(images.parent / "uses.json"))

    permit = permissions.permit(Asking("1" * 64), ProjectKey("c", "p"), {Purpose.TRAIN: [("images",)]})

    found = [place.folder.relative_to(images.parent.resolve()).as_posix() for _, place in permit.places]
    assert found == ["images", "aside", *(f"images/{name}" for name in NAMES)]


def test_a_clock_that_was_ahead_is_named_with_how_to_count_anew(images: Path) -> None:
    day = ["2036-11-26"]
    grant(PermissionFiles(images.parent), images.parent.resolve(), Uses(), Reader("1" * 64, 1))
    counts = Counts(images.parent / "uses.json", lambda: day[0])
    permissions = Permissions(images.parent, Unlisted.DENY, lambda who: (who,), counts)
    permit = permissions.permit(Asking("1" * 64), ProjectKey("c", "p"), {Purpose.TRAIN: [("images",)]})
    permit.take()

    for today, said in (
        ("2036-11-26", "for 2036-11-26; from the next day"),
        ("2026-11-26", "says 2026-11-26 now.*uses.json"),
    ):
        day[0] = today
        with pytest.raises(NotAllowed, match=said):
            permit.take()
