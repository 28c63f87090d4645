from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from factories.image_data import picture, write_images
from factories.worker_data import write_dataset
from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose
from synergos.errors import FeatureDrift
from synergos_worker.data_root import DataRoot
from synergos_worker.digests import Audience, Digests, key_in, refuse_changed
from synergos_worker.tables import Tables

SCHEMA = {"age": "int32", "target": "category"}
KEY = b"k" * 32
HEART = ProjectKey("c", "heart")


def digest_of(root: Path, tag: str = "a", digests: Digests | None = None) -> str:
    return (digests or Digests(lambda: KEY)).of(DataRoot(root).dataset((tag,), "tags.train[0]"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_dataset(tmp_path, ["a"], "age,target\n40,0\n70,1\n", SCHEMA)
    return tmp_path


def _rows(root: Path) -> None:
    (root / "a" / "rows.csv").write_text("age,target\n41,0\n70,1\n")


def _schema(root: Path) -> None:
    (root / "a" / "schema.json").write_text('{"age": "int64", "target": "category"}')


def _name(root: Path) -> None:
    (root / "a" / "rows.csv").rename(root / "a" / "other.csv")


def _file(root: Path) -> None:
    (root / "a" / "more.csv").write_text("age,target\n40,0\n")


@pytest.mark.parametrize("change", [_rows, _schema, _name, _file])
def test_any_byte_that_matters_changes_it(root: Path, change: Callable[[Path], None]) -> None:
    before = digest_of(root)
    change(root)

    assert digest_of(root) != before


def test_a_change_that_keeps_size_and_time_of_modification_changes_it(root: Path) -> None:
    path, digests = root / "a" / "rows.csv", Digests(lambda: KEY, clock=lambda: time.time() + 60)
    before, status = digest_of(root, digests=digests), path.stat()
    # Written in place, so that it stays the same file.
    with path.open("r+") as file:
        file.write("age,target\n41,0\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert digest_of(root, digests=digests) != before


def test_what_has_not_changed_is_read_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = Digests(lambda: KEY, clock=lambda: time.time() + 60)
    before = digest_of(root, digests=later)
    monkeypatch.setattr("synergos_worker.digests._digest_of", None)

    assert digest_of(root, digests=later) == before


def test_what_has_changed_a_moment_ago_is_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = Digests(lambda: KEY)
    digest_of(root, digests=now)
    monkeypatch.setattr("synergos_worker.digests._digest_of", None)

    with pytest.raises(TypeError):
        digest_of(root, digests=now)


def test_a_pixel_changes_it(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], {"x.png": picture((4, 4)), "y.png": picture((4, 4))})
    before = digest_of(tmp_path)
    found = folder / "x.png"
    found.write_bytes(found.read_bytes()[:-1] + b"!")

    assert digest_of(tmp_path) != before


def told(root: Path, audience: Audience, key: bytes = KEY) -> tuple[str, str]:
    """The name of the key, and the digest."""
    digests = Digests(lambda: key)
    [found] = digests.told([digest_of(root, digests=digests)], audience)
    name, _, digest = found.partition(".")
    return name, digest


OTHERS = [
    (Audience(HEART, "b" * 64), KEY),
    (Audience(HEART), KEY),
    (Audience(ProjectKey("c", "lung"), "a" * 64), KEY),
    (Audience(ProjectKey("d", "heart"), "a" * 64), KEY),
    (Audience(HEART, "a" * 64), b"o" * 32),
]


@pytest.mark.parametrize(("audience", "key"), OTHERS)
def test_two_that_are_told_cannot_compare_nor_can_one_of_two_projects(
    root: Path, audience: Audience, key: bytes
) -> None:
    one, other = told(root, Audience(HEART, "a" * 64)), told(root, audience, key)

    assert one == told(root, Audience(HEART, "a" * 64))
    # By another name of the key it is known that they say nothing about each other.
    assert one[0] != other[0]
    assert one[1] != other[1]
    assert digest_of(root) not in (one[1], other[1])


def test_of_the_same_audience_what_changed_is_refused_and_of_another_nothing_is_known(root: Path) -> None:
    tables = Tables(DataRoot(root), keep=1, digests=Digests(lambda: KEY))
    tags, own, others = [("a",)], Audience(HEART, "a" * 64), Audience(HEART, "b" * 64)
    agreed = tables.refuse_changed(Purpose.TRAIN, tags, None, own)
    assert agreed == (tables.digest(Purpose.TRAIN, ("a",), own),)
    _rows(root)

    with pytest.raises(FeatureDrift):
        tables.refuse_changed(Purpose.TRAIN, tags, agreed, own)
    tables.refuse_changed(Purpose.TRAIN, tags, agreed, others)


def test_the_key_is_made_once_and_is_its_owner_s(tmp_path: Path) -> None:
    path = tmp_path / "outputs" / "key"

    first = key_in(path)

    assert (len(first), key_in(path)) == (32, first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["key"]
    path.write_text("abc")
    with pytest.raises(ValueError, match="it holds no key of 32 bytes in hexadecimal digits"):
        key_in(path)


def test_data_that_changed_is_refused_by_purpose_and_folder() -> None:
    refuse_changed(["k.1", "k.2"], ["k.1", "k.2"], ["a", "b"], Purpose.TRAIN)
    with pytest.raises(
        FeatureDrift, match="train: the data in b has changed since the alignment; align the project again"
    ):
        refuse_changed(["k.1", "k.2"], ["k.1", "k.3"], ["a", "b"], Purpose.TRAIN)
    with pytest.raises(FeatureDrift, match="evaluate: other datasets were there at alignment"):
        refuse_changed(["k.1"], ["k.1", "k.2"], ["a", "b"], Purpose.EVALUATE)


def test_digests_of_two_keys_say_nothing_about_each_other() -> None:
    refuse_changed(["k.1"], ["l.2"], ["a"], Purpose.TRAIN)
