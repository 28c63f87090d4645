"""Records look exactly as the original's recorded answers did; what is beyond them is said here."""

from __future__ import annotations

from typing import Any

from fakes.orchestration import (
    ALIGNMENTS_URL,
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    FITTED,
    HYPERPARAMETERS,
    LAYERS,
    MODELS_URL,
    NOTE,
    PROJECT,
    PROJECT_URL,
    RUN,
    RUN_URL,
    SHARE,
    SPACE,
    STATISTICS,
    VALIDATIONS_URL,
    C,
    Client,
    E,
    P,
    R,
    predictions_url,
    registration,
    registration_url,
    tags,
)

EXPERIMENT = {**PROJECT, "expt_id": E}
OF_PROJECT: dict[str, list[Any]] = {
    name: [] for name in ("Experiment", "Run", "Registration", "Tag", "Model", "Validation", "Prediction")
}
NO_PARENTS: dict[str, dict[str, Any]] = {
    "collaboration": {"catalogue": {}, "logs": {}, "meter": {}, "mlops": {}, "mq": {}},
    "project": {"action": None, "incentives": {}, "start_at": None},
    "participant": {"id": None, "category": [], "summary": None, "phone": None, "email": None, "socials": {}},
}
NODE = {"host": "172.18.0.3", "port": 8020, "log_msgs": True, "verbose": True, "f_port": 5000}


def test_a_collaboration_with_its_components(client: Client) -> None:
    components = {
        "logs": {
            "host": "172.20.0.14",
            "ports": {"main": 9000, "ui": 9000, "sysmetrics": 9100, "director": 9200, "ttp": 9300, "worker": 9400},
            "secure": False,
        },
        "mlops": {"host": "172.20.0.15", "ports": {"main": 5500, "ui": 5500}, "secure": False},
        "mq": {"host": "172.20.0.16", "ports": {"main": 5672, "ui": 0}, "secure": False},
    }

    status, body = client.post(f"{CONNECT}/collaborations", {"collab_id": C, **components})
    # Beside what the contract has.
    assert body.pop("revision")

    assert (status, body) == (
        201,
        {
            "apiVersion": "0.1.0",
            "success": 1,
            "status": 201,
            "method": "collaborations.post",
            "params": {},
            "data": {
                "doc_id": "1",
                "kind": "Collaboration",
                "key": {"collab_id": C},
                "relations": {"Project": [], **OF_PROJECT},
                **components,
            },
        },
    )


def test_a_project_shows_the_experiments_it_had_already(declared: Client) -> None:
    declared.delete(RUN_URL)
    for who in ("worker_1", "worker_2"):
        declared.delete(f"{CONNECT}/participants/{who}")
    body = {"collab_id": C, "project_id": P, "action": "classify", "incentives": {"tier_1": [], "tier_2": []}}

    assert declared.data("POST", f"{COLLABORATION_URL}/projects", body) == {
        "doc_id": "1",
        "kind": "Project",
        "key": PROJECT,
        "relations": {
            **OF_PROJECT,
            "Experiment": [{"doc_id": "1", "kind": "Experiment", "key": EXPERIMENT, "model": LAYERS}],
        },
        "action": "classify",
        "incentives": {"tier_2": [], "tier_1": []},
    }


def test_the_declaration_of_an_experiment_is_answered_with_a_number_and_a_time(declared: Client) -> None:
    declared.delete(RUN_URL)
    data = declared.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS})
    created_at = data.pop("created_at")

    assert data == {
        "key": EXPERIMENT,
        "model": LAYERS,
        "relations": {"Run": [], "Model": [], "Validation": [], "Prediction": []},
        "doc_id": 1,
        "kind": "Experiment",
    }
    assert created_at.endswith(" N")
    assert len(created_at) == len("2021-09-16 04:53:03 N")


def test_an_experiment_keeps_what_was_asked_beside_what_was_fitted(finished: Client) -> None:
    data = finished.data("GET", EXPERIMENT_URL)

    assert data["doc_id"] == "1"
    assert "created_at" not in data
    assert data["model"] == LAYERS
    assert data["fitted_model"] == FITTED


def test_layers_are_answered_as_they_were_sent(declared: Client) -> None:
    layers = [
        {
            "is_input": True,
            "l_type": "RMSNorm",
            "structure": {"normalized_shape": [2, 3], "eps": None},
            "activation": "",
        },
        {"is_input": False, "l_type": "Flatten", "structure": {}, "activation": None},
    ]
    declared.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": E, "model": layers})

    assert declared.data("GET", EXPERIMENT_URL)["model"] == layers
    assert declared.data("GET", PROJECT_URL)["relations"]["Experiment"][0]["model"] == layers


def test_a_run_shows_every_hyperparameter(declared: Client) -> None:
    assert declared.data("GET", RUN_URL) == {
        "doc_id": "1",
        "kind": "Run",
        "key": RUN,
        "relations": {"Model": [], "Validation": [], "Prediction": [], "ModelVersion": []},
        **HYPERPARAMETERS,
    }


def test_a_participant_that_said_nothing_of_itself(client: Client) -> None:
    body = {"id": "worker_1", "category": None, "summary": None, "phone": None, "email": None, "socials": None}

    assert client.data("POST", f"{CONNECT}/participants", body) == {
        "doc_id": "1",
        "kind": "Participant",
        "key": {"participant_id": "worker_1"},
        "relations": {"Registration": [], "Tag": []},
        "id": "worker_1",
    }


def test_registrations_inside_a_participant_are_not_joined(declared: Client) -> None:
    key = {**PROJECT, "participant_id": "worker_1"}

    assert declared.data("GET", f"{CONNECT}/participants/worker_1")["relations"] == {
        "Registration": [
            {
                "doc_id": "1",
                "kind": "Registration",
                "key": key,
                **NO_PARENTS,
                "role": "host",
                "n_count": 1,
                "node_0": NODE,
            }
        ],
        "Tag": [{"doc_id": "1", "kind": "Tag", "key": key, **tags("data1")}],
    }


def test_a_registration_is_joined_with_its_parents(declared: Client) -> None:
    data = declared.data("POST", registration_url("worker_1"), registration("172.18.0.3"))
    data["relations"].pop("Tag")

    assert data == {
        "doc_id": "1",
        "kind": "Registration",
        "key": {**PROJECT, "participant_id": "worker_1"},
        "relations": {},
        "collaboration": NO_PARENTS["collaboration"],
        "project": {"action": "regress", "incentives": {"tier_2": [], "tier_1": []}, "start_at": None},
        "participant": {**NO_PARENTS["participant"], "id": "worker_1"},
        "role": "host",
        "n_count": 1,
        "node_0": NODE,
    }


def test_a_registration_follows_what_its_parents_say(declared: Client) -> None:
    declared.put(COLLABORATION_URL, {"mq": {"host": "queue", "ports": {"main": 5672}, "secure": True}})
    declared.put(PROJECT_URL, {"start_at": "tomorrow"})
    declared.put(f"{CONNECT}/participants/worker_1", {"category": ["bank"], "socials": {"web": "x"}})

    data = declared.data("GET", registration_url("worker_1"))

    assert data["collaboration"]["mq"] == {"host": "queue", "ports": {"main": 5672}, "secure": True}
    assert data["project"]["start_at"] == "tomorrow"
    assert data["participant"]["category"] == ["bank"]
    assert data["participant"]["socials"] == {"web": "x"}


def test_a_tag_has_no_relations(declared: Client) -> None:
    assert declared.data("GET", f"{registration_url('worker_1')}/tags") == {
        "doc_id": "1",
        "kind": "Tag",
        "key": {**PROJECT, "participant_id": "worker_1"},
        **tags("data1"),
    }


def test_alignments_have_all_three_purposes(declared: Client) -> None:
    empty: dict[str, list[int]] = {"X": [], "y": []}

    assert declared.data("POST", ALIGNMENTS_URL, {"auto_align": True, "auto_fix": True}) == [
        {
            "doc_id": doc_id,
            "kind": "Alignment",
            "key": {**PROJECT, "participant_id": who},
            "train": empty,
            "evaluate": empty,
            "predict": empty,
            "agreement": {"version": 1, "notes": [NOTE], **SHARE},
        }
        for doc_id, who in (("1", "worker_1"), ("2", "worker_2"))
    ]


def test_a_model_shows_its_exports_and_all_it_takes_to_use_them(finished: Client) -> None:
    folder = f"/outputs/{C}/{P}/{E}/{R}"
    [model] = finished.data("GET", f"{MODELS_URL}/{E}/{R}")
    job, trained_at, definition = (model.pop(name) for name in ("job", "trained_at", "definition"))

    assert (len(job), trained_at[-1], len(definition["digest"])) == (32, "Z", 64)
    assert definition["experiment"] == {"family": "layers", "model": LAYERS}
    assert definition["run"] == HYPERPARAMETERS
    assert [model] == [
        {
            "feature_space": SPACE,
            "architecture": FITTED,
            "hyperparameters": HYPERPARAMETERS,
            "version": 1,
            "kept_versions": [],
            "participants": [{"id": who, "rows": {"train": 3}} for who in ("worker_1", "worker_2")],
            "figures": {
                "rounds": 2,
                "best_round": 1,
                "train_loss": 0.5,
                "evaluate_loss": None,
                "validation": {who: {"statistics": STATISTICS} for who in ("worker_1", "worker_2")},
            },
            "doc_id": "1",
            "kind": "Model",
            "key": RUN,
            **{
                name: {
                    "origin": origin,
                    "path": f"{folder}/{file}_model.pt",
                    "loss_history": f"{folder}/{file}_loss_history.json",
                }
                for name, origin, file in (
                    ("global", "ttp", "global"),
                    ("local_1", "worker_1", "local_worker_1"),
                    ("local_2", "worker_2", "local_worker_2"),
                )
            },
        }
    ]


def test_validations_and_predictions_carry_their_statistics(finished: Client) -> None:
    folder = f"/outputs/{C}/{P}/{E}/{R}"

    validations = finished.data("GET", f"{VALIDATIONS_URL}/{E}/{R}/worker_2")
    predictions = finished.data("GET", predictions_url("worker_1"))

    assert validations == [
        {
            "doc_id": "2",
            "kind": "Validation",
            "key": {**RUN, "participant_id": "worker_2"},
            "evaluate": {"statistics": STATISTICS, "res_path": f"{folder}/evaluate.json"},
        }
    ]
    assert predictions == [
        {
            "doc_id": "1",
            "kind": "Prediction",
            "key": {**RUN, "participant_id": "worker_1"},
            "predict": {"statistics": STATISTICS, "res_path": f"{folder}/predict.json"},
        }
    ]


def test_nothing_in_a_run_shows_its_results_twice(finished: Client) -> None:
    relations = finished.data("GET", RUN_URL)["relations"]

    assert {name: len(found) for name, found in relations.items()} == {
        "Model": 1,
        "Validation": 2,
        "Prediction": 1,
        "ModelVersion": 1,
    }
    assert not any("relations" in record for found in relations.values() for record in found)
