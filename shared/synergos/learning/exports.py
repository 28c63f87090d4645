"""A trained run as files: its models as their family writes them, every loss history, and a manifest.

The folder of a run appears whole: it is written beside its place under another name and renamed when all is on the disk.
Trainings before the newest lie in it under ``versions/<number>``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from uuid import uuid4

from synergos.domain.keys import RunKey
from synergos.domain.loss_history import LossHistory
from synergos.domain.records import Record
from synergos.domain.trained_model import Training
from synergos.errors import Conflict, SynergosError
from synergos.learning import families
from synergos.learning.algorithms import Weights
from synergos.learning.families import ModelFamily, Predictor, Recipe, manifest

ORIGIN = "ttp"
"""Where the global model comes from, as records say it."""

VERSIONS = "versions"
"""The folder of the trainings before the newest, in that of their run."""

_STAGING = "staging"
_REPLACED = "replaced"


def write_run(
    folder: Path,
    *,
    recipe: Recipe,
    global_weights: Weights,
    local_weights: Mapping[str, Weights],
    history: LossHistory,
    run: RunKey,
    training: Training,
    kept_versions: Collection[int] = (),
) -> dict[str, dict[str, str]]:
    """Write a run's folder; one that is there is replaced as a whole.

    Args:
        local_weights: by participant, in order of registration; read one at a time, so they may be memory-mapped. Those of a
            participant without a part in the round are not there.
        training: what the manifest says of it.
        kept_versions: the trainings before that stay, as far as their files are there; the others go.

    Returns:
        ``{"global": {"origin", "path", "loss_history"}, "local_1": {…}, …}`` with the paths as they are in the end.

    Raises:
        OSError: the disk takes no more, or fails; what was there before is still there, and nothing else.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _tidy(folder)
    staging = _beside(folder, _STAGING)
    staging.mkdir()
    try:
        global_model = _write_model(staging, recipe, manifest.GLOBAL_MODEL, global_weights)
        _write_json(staging / "global_loss_history.json", history.of_global())
        local_models = {}
        for participant, weights in local_weights.items():
            local_models[participant] = _write_model(staging, recipe, f"local_model_{participant}", weights)
        # Also of those who had no part in the round that is written, and have trained in others.
        for participant in {**local_models, **history.local}:
            _write_json(staging / f"local_loss_history_{participant}.json", history.of_participant(participant))
        models = {Path(file).stem: file for file in (global_model, *local_models.values())}
        _write_manifest(staging, manifest.manifest_of(recipe, training, run, models))
        _keep(folder, staging, kept_versions)
        _sync(staging)
        _swap(staging, folder)
    except BaseException:
        # A disk that is full has no room for what nobody will read.
        shutil.rmtree(staging, ignore_errors=True)
        raise
    local = {
        f"local_{number}": _outputs(folder, participant, model, f"local_loss_history_{participant}.json")
        for number, (participant, model) in enumerate(local_models.items(), start=1)
    }
    return {"global": _outputs(folder, ORIGIN, global_model, "global_loss_history.json"), **local}


def load(folder: Path, model: str = manifest.GLOBAL_MODEL) -> Predictor:
    """A model of an exported run, of whatever family, ready to predict on this machine's processor.

    Args:
        model: the name of its files, without a suffix.

    Raises:
        RecordNotFound: it is not there.
        UnknownName: it is of a family that is not known here.
        WireFormatError: the files do not hold a model.
    """
    return families.get(manifest.read(folder)["family"]).load(folder, model)


def folder_of(folder: Path, version: int) -> Path:
    """Where the files of one training lie, in the folder of its run."""
    before = folder / VERSIONS / str(version)
    return before if before.is_dir() else folder


def weights_of(model: Record) -> Path:
    """The file of a Model record's global weights."""
    path = Path(model["global"]["path"])
    # A training whose end was never recorded may lie in the run's folder; this one has moved on to the others then.
    return folder_of(path.parent, int(model.get("version", 1))) / path.name


def digests_of(path: Path) -> dict[str, str]:
    """SHA-256 of each file of a model, by name, in hexadecimal digits.

    Args:
        path: of its weights; others of its family differ in the suffix alone.
    """
    files = [each for each in path.parent.iterdir() if each.is_file() and each.stem == path.stem]
    return {each.name: _digest(each) for each in sorted(files)}


def read_weights(model: Record, family: ModelFamily) -> Weights:
    """The global weights of a Model record.

    What was trained before records had digests is read as it is.

    Raises:
        Conflict: the file is not the one that was trained.
        RecordNotFound: there is no such file.
        WireFormatError: the file does not hold a model.
    """
    path, known = weights_of(model), digest_in(model, weights_of(model).name)
    if known is None or not path.is_file():
        return family.read(path)
    before = _mark(path)
    digest = _digest(path)
    weights = family.read(path)
    # Written to between the two, it would be another one that was looked at.
    if digest != known or _mark(path) != before:
        raise changed(path.name)
    return weights


def digest_in(model: Record, name: str) -> str | None:
    """What a Model record says of a file; None where it says nothing."""
    exports = (value for part, value in model.items() if part == "global" or part.startswith("local_"))
    found = (export.get("sha256", {}).get(name) for export in exports if isinstance(export, Mapping))
    return next((digest for digest in found if digest is not None), None)


def changed(name: str) -> Conflict:
    """What is said of a file that is another one than its record's."""
    return Conflict(
        f"{name} is not the file that was trained: its SHA-256 is not the one in the model's record; train the run again"
    )


def left_beside(folder: Path) -> list[Path]:
    """The folders that a crash has left beside that of a run, with what was to be its files or was before."""
    if not folder.parent.is_dir():
        return []
    return [*_leftovers(folder, _STAGING), *_leftovers(folder, _REPLACED)]


def note_validation(folder: Path, job: str | None, found: Mapping[str, object], *, of_all: bool) -> None:
    """Add the figures of a validation to the manifest of a training; nothing where the folder is not that training's.

    Args:
        job: the one that trained it.
        found: as :func:`synergos.domain.trained_model.figures_of` has them.
        of_all: whether all participants were asked: what was measured before does not count any more then.

    Raises:
        OSError: the disk takes no more, or fails; the manifest is as it was.
    """
    try:
        content = manifest.read(folder)
    except SynergosError:
        return
    if job is None or content.get("job") != job:
        return
    figures = {name: value for name, value in content.get("figures", {}).items() if name != "pooled"}
    if of_all:
        figures |= found
    else:
        figures["validation"] = figures.get("validation", {}) | found["validation"]
    _write_manifest(folder, content | {"figures": figures})


def _write_manifest(folder: Path, content: Mapping[str, object]) -> None:
    """Write it as a whole or not at all; a reader finds the one before, or this one."""
    unfinished = folder / f".{manifest.NAME}"
    try:
        _write_json(unfinished, content)
        unfinished.replace(folder / manifest.NAME)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _keep(folder: Path, staging: Path, versions: Collection[int]) -> None:
    """Have the trainings that stay in the new folder too: the same files by a second name, which takes no room."""
    newest = _version_in(folder)
    for version in versions:
        source = folder_of(folder, version)
        if not source.is_dir() or (source == folder and newest != version):
            continue
        place = staging / VERSIONS / str(version)
        place.mkdir(parents=True)
        for path in source.iterdir():
            if path.is_file() and not path.name.startswith("."):
                (place / path.name).hardlink_to(path)


def _version_in(folder: Path) -> int | None:
    """Which training a run's folder holds; one from before there were versions is the first."""
    try:
        return int(manifest.read(folder).get("version", 1))
    except SynergosError:
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mark(path: Path) -> tuple[int, ...]:
    """What is different when a file is written to, or another is in its place."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _outputs(folder: Path, origin: str, model: str, losses: str) -> dict[str, str]:
    return {"origin": origin, "path": str(folder / model), "loss_history": str(folder / losses)}


def _write_model(folder: Path, recipe: Recipe, name: str, weights: Weights) -> str:
    return recipe.family.write(folder / name, weights).name


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _sync(folder: Path) -> None:
    """Have the disk hold everything before a name points to it."""
    for path in (*folder.rglob("*"), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _swap(staging: Path, folder: Path) -> None:
    """Put a finished folder in its place; the one before it goes last, so that a crash leaves one of the two."""
    replaced = _beside(folder, _REPLACED)
    if folder.exists():
        folder.rename(replaced)
    staging.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def _tidy(folder: Path) -> None:
    """Remove what a crash left beside the folder, or put back what it had only moved away."""
    for replaced in _leftovers(folder, _REPLACED):
        if folder.exists():
            shutil.rmtree(replaced, ignore_errors=True)
        else:
            replaced.rename(folder)
    for staging in _leftovers(folder, _STAGING):
        shutil.rmtree(staging, ignore_errors=True)


def _beside(folder: Path, purpose: str) -> Path:
    # Ids start with a letter or digit, so no run can have such a name.
    return folder.with_name(f".{purpose}-{uuid4().hex}-{folder.name}")


def _leftovers(folder: Path, purpose: str) -> list[Path]:
    prefix, suffix = f".{purpose}-", f"-{folder.name}"
    length = len(prefix) + len(uuid4().hex) + len(suffix)
    return [
        path
        for path in folder.parent.iterdir()
        if len(path.name) == length and path.name.startswith(prefix) and path.name.endswith(suffix)
    ]
