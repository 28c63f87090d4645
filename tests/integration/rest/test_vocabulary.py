"""What can be named, over HTTP."""

from __future__ import annotations

from fakes.orchestration import Client


def test_forms_are_made_of_what_can_be_named(client: Client) -> None:
    told = client.data("GET", "/ttp/vocabulary")

    [rounds] = [each for each in told["families"]["layers"]["hyperparameters"] if each["name"] == "rounds"]
    assert rounds == {
        "name": "rounds",
        "description": "How often the participants' models are put together.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "default": 10,
        "is_required": False,
        "is_common": True,
    }
    assert {"SGD", "Adam"} <= {part["name"] for part in told["families"]["layers"]["roles"]["optimizer"]}
    assert told["metrics"]["regress"] == ["R2", "MSE", "MAE"]
    [mse] = [each for each in told["statistics"]["regress"] if each["name"] == "MSE"]
    assert mse["direction"] == "min"


def test_only_what_is_wanted_is_told(client: Client) -> None:
    assert client.data("GET", "/ttp/vocabulary?fields=searchers,pruners") == {
        "kind": "Vocabulary",
        "searchers": ["TPE", "random", "GP", "grid"],
        "pruners": ["median", "successive halving", "hyperband", "none"],
    }


def test_a_part_that_there_is_not_is_refused(client: Client) -> None:
    status, answer = client.get("/ttp/vocabulary?fields=algorithm")

    assert (status, answer["field"]) == (417, "fields")
    assert "did you mean algorithms?" in answer["message"]
