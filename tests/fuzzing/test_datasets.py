"""Files of datasets that are nearly right, as a worker reads them: what cannot be used is refused by name, and nothing else happens."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.corpus import CORPUS, corpus
from support.mutations import nearly
from support.soon import soon
from synergos.domain.feature_space import Action
from synergos.domain.tags import Purpose
from synergos.errors import SynergosError
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.tables import Tables

TABLES, PICTURES = 400, 150


def said_of(root: Path) -> bool:
    """Read the folder, and all that is told of it; whether it can be used."""
    try:
        loaded = Tables(DataRoot(root), keep=1, policy=OPEN).get(Action.CLASSIFY, Purpose.TRAIN, [("folder",)])
        loaded.pipeline.fit(loaded.table)
        loaded.pipeline.describe(loaded.table)
        loaded.pipeline.contents(loaded.table)
    except SynergosError:
        return False
    return True


def test_the_corpus_can_be_used(tmp_path: Path) -> None:
    shutil.copytree(CORPUS / "table", tmp_path / "folder")

    assert said_of(tmp_path)


@pytest.mark.parametrize("name", sorted(corpus("table")))
def test_a_table_is_used_or_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(CORPUS / "table", folder)
    used = 0
    for content in nearly([(CORPUS / "table" / name).read_bytes()], name, TABLES):
        (folder / name).write_bytes(content)
        with soon(content):
            used += said_of(tmp_path)
    assert 0 < used < TABLES


@pytest.mark.parametrize("name", sorted(corpus("images")))
def test_a_picture_is_used_or_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "metadata.json").write_text('{"datatype": "image", "operations": {}}')
    (folder / "mapping.csv").write_text(f"image,target\n{name},x\n")
    (folder / name).write_bytes((CORPUS / "images" / name).read_bytes())
    assert said_of(tmp_path)
    for content in nearly([(CORPUS / "images" / name).read_bytes()], name, PICTURES):
        (folder / name).write_bytes(content)
        with soon(content):
            said_of(tmp_path)


@pytest.mark.parametrize("name", ["mapping.csv", "metadata.json"])
def test_what_is_said_of_pictures_is_used_or_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(CORPUS / "images", folder)
    sound = {
        "mapping.csv": b"image,target\ngrey.png,x\ngrey.tiff,y\n",
        "metadata.json": b'{"datatype": "image", "operations": {"size": [4, 4], "channels": "grey"}}',
    }
    for file, content in sound.items():
        (folder / file).write_bytes(content)
    for content in nearly([sound[name]], name, TABLES):
        (folder / name).write_bytes(content)
        with soon(content):
            said_of(tmp_path)
