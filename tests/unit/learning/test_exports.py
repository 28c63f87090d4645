from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from factories.network_models import linear, recipe, space
from support.full_disk import files_up_to
from synergos.domain.feature_space import Action
from synergos.domain.keys import RunKey
from synergos.domain.loss_history import LossHistory
from synergos.domain.trained_model import Figures, TrainedParticipant, Training, definition_of, figures_of
from synergos.errors import Conflict, RecordNotFound, UnknownName, WireFormatError
from synergos.learning.exports import digests_of, folder_of, load, note_validation, read_weights, weights_of, write_run
from synergos.learning.families.layers.files import read
from synergos.learning.families.layers.network import build_network
from synergos.learning.families.manifest import manifest_schema
from synergos.schema.explanation import explain

ARCHITECTURE = [linear(3, 1, "sigmoid")]
RUN = RunKey("c", "p", "e", "r")
DEFINITION = definition_of({"model": ARCHITECTURE}, {"rounds": 2, "lr": 0.5})
RECIPE = recipe(ARCHITECTURE, space(Action.CLASSIFY, 3, 2), rounds=2, lr=0.5)


def weights(seed: int) -> dict[str, Tensor]:
    return build_network(ARCHITECTURE, seed).state_dict()


def history() -> LossHistory:
    found = LossHistory()
    found.trained(0, 0.5, {"worker_1": 0.25, "worker_2": math.nan})
    found.evaluated(0, 0.75)
    found.trained(1, math.inf, {"worker_1": 0.125, "worker_2": None})
    return found


def training(version: int = 1, **about: Any) -> Training:
    participants = (TrainedParticipant(id="worker_2", rows={"train": 7}), TrainedParticipant(id="worker_1"))
    figures = Figures(rounds=2, best_round=0, train_loss=0.5, evaluate_loss=0.75)
    return Training(
        version=version,
        job=f"job {version}",
        trained_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
        definition=DEFINITION,
        participants=participants,
        figures=figures,
        **about,
    )


def write(folder: Path, seed: int = 1, version: int = 1, kept: Sequence[int] = ()) -> dict[str, dict[str, str]]:
    return write_run(
        folder,
        recipe=RECIPE,
        global_weights=weights(seed),
        local_weights={"worker_2": weights(seed + 1), "worker_1": weights(seed + 2)},
        history=history(),
        run=RUN,
        training=training(version),
        kept_versions=kept,
    )


def loaded(path: str) -> object:
    return json.loads(Path(path).read_text())


def test_the_files_have_the_contracts_names(tmp_path: Path) -> None:
    folder = tmp_path / "collab" / "run"

    outputs = write(folder)

    assert sorted(path.name for path in folder.iterdir()) == [
        "global_loss_history.json",
        "global_model.pt",
        "global_model.safetensors",
        "local_loss_history_worker_1.json",
        "local_loss_history_worker_2.json",
        "local_model_worker_1.pt",
        "local_model_worker_1.safetensors",
        "local_model_worker_2.pt",
        "local_model_worker_2.safetensors",
        "manifest.json",
    ]
    assert outputs["global"] == {
        "origin": "ttp",
        "path": str(folder / "global_model.pt"),
        "loss_history": str(folder / "global_loss_history.json"),
    }
    assert [outputs[name]["origin"] for name in ("local_1", "local_2")] == ["worker_2", "worker_1"]


def test_the_losses_of_a_participant_are_there_whose_model_is_not(tmp_path: Path) -> None:
    found = history()
    found.trained(1, 0.5, {"worker_3": 2.0})

    outputs = write_run(
        tmp_path / "run",
        recipe=RECIPE,
        global_weights=weights(1),
        local_weights={"worker_1": weights(2)},
        history=found,
        run=RUN,
        training=training(),
    )

    assert loaded(str(tmp_path / "run" / "local_loss_history_worker_3.json")) == {"1": 2.0}
    assert [own["origin"] for own in outputs.values()] == ["ttp", "worker_1"]


def test_the_weights_come_back_from_both_formats(tmp_path: Path) -> None:
    outputs = write(tmp_path / "run")

    for name, seed in (("global", 1), ("local_1", 2), ("local_2", 3)):
        path = Path(outputs[name]["path"])
        for file in (path, path.with_suffix(".safetensors")):
            found = read(file)
            assert set(found) == set(weights(seed))
            assert all(torch.equal(found[key], tensor) for key, tensor in weights(seed).items())


def test_the_histories_have_the_contracts_shape_and_null_for_what_is_not_finite(tmp_path: Path) -> None:
    outputs = write(tmp_path / "run")

    assert loaded(outputs["global"]["loss_history"]) == {"train": {"0": 0.5, "1": None}, "evaluate": {"0": 0.75}}
    assert loaded(outputs["local_2"]["loss_history"]) == {"0": 0.25, "1": 0.125}
    assert loaded(outputs["local_1"]["loss_history"]) == {"0": None, "1": None}


def test_the_manifest_says_what_the_weights_belong_to(tmp_path: Path) -> None:
    write(tmp_path / "run")

    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())

    assert manifest["format"] == 2
    assert manifest["family"] == "layers"
    assert {name: manifest[name] for name in RECIPE.to_dict()} == json.loads(json.dumps(RECIPE.to_dict()))
    assert manifest["run"] == {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
    names = ("global_model", "local_model_worker_2", "local_model_worker_1")
    assert manifest["models"] == {name: f"{name}.pt" for name in names}
    assert (manifest["version"], manifest["job"], manifest["trained_at"]) == (1, "job 1", "2026-11-25T12:00:00Z")
    assert manifest["participants"] == [{"id": "worker_2", "rows": {"train": 7}}, {"id": "worker_1", "rows": {}}]
    assert manifest["definition"]["run"] == {"lr": 0.5, "rounds": 2}
    assert manifest["definition"]["experiment"] == {"family": "layers", "model": ARCHITECTURE}
    assert manifest["figures"] == {
        "rounds": 2,
        "best_round": 0,
        "train_loss": 0.5,
        "evaluate_loss": 0.75,
        "validation": {},
    }
    assert set(manifest["packages"]) == {"numpy", "safetensors", "synergos", "torch"}


def test_the_manifests_json_schema_is_published_and_is_that_of_what_is_written(tmp_path: Path) -> None:
    write(tmp_path / "run")

    published = json.loads((Path(__file__).parents[3] / "docs" / "manifest.schema.json").read_text())

    assert explain(published, loaded(str(tmp_path / "run" / "manifest.json"))) is None
    assert published == manifest_schema(), "python -m synergos.learning.families.manifest > docs/manifest.schema.json"


def test_a_definition_is_the_same_however_it_is_written_down_and_another_when_anything_is_asked_otherwise() -> None:
    same = definition_of({"family": "layers", "model": ARCHITECTURE}, {"lr": 0.5, "mu": None, "rounds": 2})

    assert same == DEFINITION
    assert definition_of({"model": ARCHITECTURE}, {"rounds": 3, "lr": 0.5}).digest != DEFINITION.digest
    assert definition_of({"model": [linear(3, 2)]}, {"rounds": 2, "lr": 0.5}).digest != DEFINITION.digest
    assert definition_of({"family": "x", "model": ARCHITECTURE}, {"rounds": 2, "lr": 0.5}).digest != DEFINITION.digest


def test_trainings_before_stay_under_their_numbers_as_far_as_they_are_wanted(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for version, kept in ((1, ()), (2, (1,)), (3, (1, 2)), (4, (2, 3))):
        write(folder, seed=version, version=version, kept=kept)

    assert sorted(path.name for path in (folder / "versions").iterdir()) == ["2", "3"]
    for version in (2, 3, 4):
        found = json.loads((folder_of(folder, version) / "manifest.json").read_text())
        assert found["version"] == version
        assert torch.equal(
            read(folder_of(folder, version) / "global_model.safetensors")["nnl_0_linear.weight"],
            weights(version)["nnl_0_linear.weight"],
        )


def test_a_training_that_was_never_recorded_is_not_kept_and_hides_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write(folder, seed=1)
    recorded = {"global": {"path": str(folder / "global_model.pt")}, "version": 1}
    write(folder, seed=2, version=2, kept=(1,))

    assert weights_of(recorded) == folder / "versions" / "1" / "global_model.pt"

    # Nobody has heard of the second: the next one has its number.
    write(folder, seed=3, version=2, kept=(1,))

    assert [path.name for path in (folder / "versions").iterdir()] == ["1"]
    assert torch.equal(read(weights_of(recorded))["nnl_0_linear.weight"], weights(1)["nnl_0_linear.weight"])


def test_figures_of_all_are_kept_as_long_as_all_were_measured_together(tmp_path: Path) -> None:
    together = {"participants": ["a", "b"], "statistics": {"R2": 0.5}}
    both = {who: {"evaluate": {"statistics": {"R2": 0.5}}, "pooled": together} for who in "ab"}
    later = {"evaluate": {"statistics": {"R2": 0.7}, "never_trained": {}}, "pooled": {"participants": ["a"]}}

    assert figures_of(both)["pooled"] == together
    assert "pooled" not in figures_of({**both, "a": later})

    write(tmp_path / "run")
    note_validation(tmp_path / "run", "job 1", figures_of(both), of_all=True)
    note_validation(tmp_path / "run", "job 1", figures_of({"a": later}), of_all=False)
    figures = json.loads((tmp_path / "run" / "manifest.json").read_text())["figures"]
    assert figures["validation"] == {"a": {"statistics": {"R2": 0.7}}, "b": {"statistics": {"R2": 0.5}}}
    assert "pooled" not in figures


def test_a_validation_is_added_to_the_manifest_of_its_own_training_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write(folder)
    write(folder, seed=2, version=2, kept=(1,))

    def noted(version: int) -> object:
        found = json.loads((folder_of(folder, version) / "manifest.json").read_text())
        return found["figures"]["validation"]

    def note(job: str, *, of_all: bool, **values: float) -> None:
        found = {who: {"evaluate": {"statistics": {"R2": value}, "res_path": "x"}} for who, value in values.items()}
        note_validation(folder, job, figures_of(found), of_all=of_all)

    def said(**values: float) -> object:
        return {who: {"statistics": {"R2": value}} for who, value in values.items()}

    note("job 2", of_all=True, worker_1=0.5, worker_2=1.0)
    assert noted(2) == said(worker_1=0.5, worker_2=1.0)
    note("job 2", of_all=False, worker_1=0.25)
    assert noted(2) == said(worker_1=0.25, worker_2=1.0)
    note("job 2", of_all=True, worker_1=0.75)
    assert noted(2) == said(worker_1=0.75)
    note("job 1", of_all=True, worker_1=0.0)
    assert noted(2) == said(worker_1=0.75)
    assert noted(1) == {}


def test_an_exported_model_predicts_what_its_network_does(tmp_path: Path) -> None:
    write(tmp_path / "run", seed=1)
    inputs = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)

    for model, seed in (("global_model", 1), ("local_model_worker_2", 2)):
        scores, predicted = load(tmp_path / "run", model).predict(inputs)

        with torch.no_grad():
            expected = build_network(ARCHITECTURE, seed)(torch.from_numpy(inputs)).numpy()
        np.testing.assert_allclose(scores, expected, rtol=1e-6)
        assert predicted.tolist() == (expected > 0.5).astype(np.float32).tolist()


def test_a_run_that_was_exported_before_its_manifest_said_all_cannot_be_loaded(tmp_path: Path) -> None:
    write(tmp_path / "run")
    (tmp_path / "run" / "manifest.json").write_text(json.dumps({"format": 1, "architecture": ARCHITECTURE}))

    with pytest.raises(RecordNotFound, match=r"manifest\.json of run lacks family, hyperparameters, feature_space"):
        load(tmp_path / "run")


@pytest.mark.parametrize("content", ["", "[]", "nonsense", "{}", '{"format": 3}', '{"format": "2"}'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    write(tmp_path / "run")
    (tmp_path / "run" / "manifest.json").write_text(content)

    with pytest.raises(WireFormatError):
        load(tmp_path / "run")


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordNotFound, match="no exported run"):
        load(tmp_path)


def test_a_model_of_a_family_that_is_not_known_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "run")
    path = tmp_path / "run" / "manifest.json"
    path.write_text(path.read_text().replace('"layers"', '"trees"'))

    with pytest.raises(UnknownName, match="'trees' is not a model family"):
        load(tmp_path / "run")


def test_a_folder_that_is_there_is_replaced_whole(tmp_path: Path) -> None:
    write(tmp_path / "run")
    (tmp_path / "run" / "checkpoints").mkdir()

    outputs = write(tmp_path / "run", seed=7)

    assert not (tmp_path / "run" / "checkpoints").exists()
    assert torch.equal(read(Path(outputs["global"]["path"]))["nnl_0_linear.weight"], weights(7)["nnl_0_linear.weight"])
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_a_crash_left_behind_is_cleaned_and_others_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "run")
    unfinished, others = f".staging-{'0' * 32}-run", f".staging-{'0' * 32}-fun"
    for name in (unfinished, others, "run-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("")

    write(tmp_path / "run")

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([others, "run", "run-2"])


def test_a_failed_write_leaves_the_old_folder(tmp_path: Path) -> None:
    outputs = write(tmp_path / "run")

    with pytest.raises(RuntimeError, match="gone"):
        write_run(
            tmp_path / "run",
            recipe=RECIPE,
            global_weights=weights(9),
            local_weights=_Gone(worker_1=weights(9)),
            history=history(),
            run=RUN,
            training=training(),
        )

    assert torch.equal(read(Path(outputs["global"]["path"]))["nnl_0_linear.weight"], weights(1)["nnl_0_linear.weight"])


class _Gone(dict[str, dict[str, Tensor]]):
    """Weights whose files disappear while they are written."""

    def __getitem__(self, key: str) -> dict[str, Tensor]:
        raise RuntimeError("gone")

    def items(self) -> object:  # type: ignore[override]
        raise RuntimeError("gone")


@pytest.mark.parametrize("size", [0, 500])
def test_a_full_disk_is_said_and_leaves_what_was_there(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "run"
    write(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    with files_up_to(size), pytest.raises(OSError, match="the disk is full, or fails") as refusal:
        write(folder, seed=5)

    assert Path(refusal.value.filename).name == "global_model.pt"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


def recorded(folder: Path, seed: int = 1) -> dict[str, Any]:
    """What a Model record has of its files."""
    outputs: dict[str, Any] = write(folder, seed)
    return {name: {**export, "sha256": digests_of(Path(export["path"]))} for name, export in outputs.items()}


def test_a_model_is_read_as_long_as_it_is_the_file_that_was_trained(tmp_path: Path) -> None:
    model = recorded(tmp_path / "run")

    assert sorted(model["global"]["sha256"]) == ["global_model.pt", "global_model.safetensors"]
    assert sorted(model["local_2"]["sha256"]) == ["local_model_worker_1.pt", "local_model_worker_1.safetensors"]
    assert torch.equal(read_weights(model, RECIPE.family)["nnl_0_linear.weight"], weights(1)["nnl_0_linear.weight"])


def test_another_model_in_its_place_is_not_read(tmp_path: Path) -> None:
    model = recorded(tmp_path / "run")
    recorded(tmp_path / "other", seed=9)
    (tmp_path / "other" / "global_model.pt").replace(tmp_path / "run" / "global_model.pt")

    with pytest.raises(Conflict, match=r"^global_model\.pt is not the file that was trained: its SHA-256"):
        read_weights(model, RECIPE.family)


def test_a_model_that_is_gone_is_gone(tmp_path: Path) -> None:
    model = recorded(tmp_path / "run")
    (tmp_path / "run" / "global_model.pt").unlink()

    with pytest.raises(RecordNotFound, match="is not there any more"):
        read_weights(model, RECIPE.family)


def test_a_record_of_before_there_were_digests_is_believed(tmp_path: Path) -> None:
    model = write(tmp_path / "run")

    assert torch.equal(read_weights(model, RECIPE.family)["nnl_0_linear.weight"], weights(1)["nnl_0_linear.weight"])
