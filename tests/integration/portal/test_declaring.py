"""Collaborations, projects, experiments and runs are declared, changed and deleted on pages, and nothing of it is done behind anybody's back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import pytest

from fakes.declared_grid import LINEAR, OF_COLLABORATION, OF_EXPERIMENT, OF_PROJECT, OF_RUN, REST_OF, Grid
from fakes.orchestration import (
    LAYERS,
    go_through_all_stages,
)
from fakes.orchestration import (
    C as COLLABORATION,
)
from fakes.orchestration import (
    E as EXPERIMENT,
)
from fakes.orchestration import (
    P as PROJECT,
)
from fakes.orchestration import (
    R as RUN,
)
from support.forms import hidden_fields

HOSTILE = ["a" * 128, "new", "心 脏", "a~(b) @=:+.-é", "0=new", "edit", "delete"]


def test_a_whole_cycle_is_declared_by_its_pages_alone(grid: Grid) -> None:
    visitor, at = grid.visitor, "/collaborations/heart"

    steps = [
        visitor.send("/collaborations/new", {"collab_id": "heart"}),
        visitor.send(f"{at}/projects/new", {"project_id": "risk", "action": "regress"}),
        visitor.send(f"{at}/projects/risk/experiments/new", {"expt_id": "net", "act": "save", **LINEAR}),
        visitor.send(f"{at}/projects/risk/experiments/net/runs/new", {"run_id": "first", "run-rounds": "3"}),
    ]

    assert [step.status_code for step in steps] == [303] * 4
    assert [step.location for step in steps][-1] == f"{at}/projects/risk/experiments/net/runs/first"
    run = grid.rest.data("GET", f"/ttp/connect{at}/projects/risk/experiments/net/runs/first")
    assert run["rounds"] == 3
    assert "lr" not in run


def test_the_checklist_leads_to_the_next_step(grid: Grid) -> None:
    grid.visitor.send("/collaborations/new", {"collab_id": "heart"})
    grid.visitor.send("/collaborations/heart/projects/new", {"project_id": "risk", "action": "regress"})

    before = grid.visitor.get("/collaborations/heart/projects/risk").text
    after = grid.visitor.get(OF_PROJECT).text

    assert 'href="/collaborations/heart/projects/risk/experiments/new"' in before
    assert "2 bring data to train on" in after
    go_through_all_stages(grid.rest)
    assert "All done" in grid.visitor.get(OF_PROJECT).text


TAKEN = [
    ("/collaborations/new", {"collab_id": COLLABORATION, "mq_host": "queue", "mq_main": "5672"}, OF_COLLABORATION),
    (f"{OF_COLLABORATION}/projects/new", {"project_id": PROJECT, "action": "classify"}, OF_PROJECT),
    (f"{OF_PROJECT}/experiments/new", {"expt_id": EXPERIMENT, **LINEAR}, OF_EXPERIMENT),
    (f"{OF_EXPERIMENT}/runs/new", {"run_id": RUN, "run-rounds": "7"}, OF_RUN),
]


@pytest.mark.parametrize(("page", "values", "taken"), TAKEN)
def test_a_name_that_is_taken_replaces_nothing(unchanged: Grid, page: str, values: dict[str, str], taken: str) -> None:
    before = unchanged.stored(taken)

    answer = unchanged.visitor.send(page, values)

    assert answer.status_code == 422
    assert "is there already" in answer.text
    assert unchanged.stored(taken) == before


EDITED: list[tuple[str, dict[str, str], dict[str, Any], str]] = [
    (OF_COLLABORATION, {"mq_host": "mine", "mq_main": "1"}, {"mq": {"host": "theirs"}}, "mq"),
    (OF_PROJECT, {"action": "regress", "incentives": "mine: a"}, {"incentives": {"theirs": []}}, "incentives"),
    (
        OF_EXPERIMENT,
        {**LINEAR, "layers-0-activation": "relu"},
        {"model": [{**LAYERS[0], "activation": "tanh"}]},
        "model",
    ),
    (OF_RUN, {"run-rounds": "7"}, {"rounds": 9}, "rounds"),
]


@pytest.mark.parametrize(("page", "mine", "theirs", "field"), EDITED)
def test_the_second_of_two_editors_is_told_what_the_first_has_saved(
    grid: Grid, page: str, mine: dict[str, str], theirs: dict[str, Any], field: str
) -> None:
    opened = hidden_fields(grid.visitor.get(f"{page}/edit").text)
    grid.rest.data("PUT", REST_OF[page], theirs)
    saved = grid.stored(page)

    told = grid.visitor.post(f"{page}/edit", {**opened, **mine})

    assert told.status_code == 422
    assert "has been changed since it was read" in told.text
    assert "What is saved there now" in told.text
    assert f'<dt class="col-sm-4">{field}</dt>' in told.text
    assert grid.stored(page) == saved
    again = grid.visitor.post(f"{page}/edit", {**hidden_fields(told.text), **mine})
    assert again.status_code == 303
    assert grid.stored(page) != saved


REFUSED: list[tuple[str, dict[str, str], str, str]] = [
    ("/collaborations/new", {"collab_id": "a/b"}, "collab_id", "a/b"),
    *(
        (
            "/collaborations/new",
            {"collab_id": "new one", f"{name}_host": "h", f"{name}_{port}": "70000"},
            f"{name}_{port}",
            "70000",
        )
        for name, ports in {
            "mlops": ("main", "ui"),
            "logs": ("main", "sysmetrics", "director", "ttp", "worker", "ui"),
            "mq": ("main", "ui"),
            "catalogue": ("main", "ui"),
            "meter": ("main", "ui"),
        }.items()
        for port in ports
    ),
    (f"{OF_COLLABORATION}/projects/new", {"project_id": "p\x01", "action": "classify"}, "project_id", "p\x01"),
    (f"{OF_COLLABORATION}/projects/new", {"project_id": "p", "action": "guess"}, "action", "guess"),
    (f"{OF_PROJECT}/experiments/new", {**LINEAR, "expt_id": ".."}, "expt_id", ".."),
    (
        f"{OF_PROJECT}/experiments/new",
        {**LINEAR, "expt_id": "e", "layers-0-l_type": "Liner"},
        "layers-0-l_type",
        "Liner",
    ),
    (
        f"{OF_PROJECT}/experiments/new",
        {**LINEAR, "expt_id": "e", "layers-0-activation": "rely"},
        "layers-0-activation",
        "rely",
    ),
    *(
        (
            f"{OF_PROJECT}/experiments/new",
            {**LINEAR, "expt_id": "e", f"layers-0-structure-{name}": value},
            f"layers-0-structure-{name}",
            value,
        )
        for name, value in (
            ("in_features", "0"),
            ("out_features", "many"),
            ("out_features", "nan"),
            ("bias", "perhaps"),
            ("nonsense", "1"),
        )
    ),
    (f"{OF_EXPERIMENT}/runs/new", {"run_id": "CON"}, "run_id", "CON"),
    *(
        (f"{OF_EXPERIMENT}/runs/new", {"run_id": "r", **extra, f"run-{name}": value}, f"run-{name}", value)
        for name, value, extra in (
            ("algorithm", "FedNothing", {}),
            ("rounds", "0", {}),
            ("epochs", "1.5", {}),
            ("batch_size", "-1", {}),
            ("lr", "fast", {}),
            ("lr", "1e999", {}),
            ("optimizer", "SDG", {}),
            ("criterion", "NLLLoss", {}),
            ("lr_scheduler", "Sometimes", {}),
            ("mu", "-1", {}),
            ("delta", "-0.5", {}),
            ("patience", "0", {}),
            ("seed", "dice", {}),
            ("min_participants", "0", {}),
            ("on_divergence", "hope", {}),
            ("weight_decay", "-1", {}),
            ("lr_decay", "-1", {}),
            ("l1_lambda", "-1", {}),
            ("l2_lambda", "-1", {}),
            ("server_lr", "0", {"run-algorithm": "FedAdam"}),
            ("beta1", "1", {"run-algorithm": "FedAdam"}),
            ("betas", "many", {"run-optimizer": "Adam"}),
            ("momentum", "-1", {}),
            ("momentun", "0.9", {}),
            ("step_size", "0", {"run-lr_scheduler": "StepLR"}),
        )
    ),
]


@pytest.mark.parametrize(("page", "values", "field", "value"), REFUSED)
def test_what_the_orchestrator_refuses_is_told_at_its_field_and_stays_as_it_was_typed(
    unchanged: Grid, page: str, values: dict[str, str], field: str, value: str
) -> None:
    answer = unchanged.visitor.send(page, values)

    assert answer.status_code == 422
    assert f'<a class="alert-link" href="#{field}">' in answer.text
    assert f'id="{field}-errors"' in answer.text
    control = next(found for found in re.findall(r"<(?:input|select)[^>]*>", answer.text) if f'id="{field}"' in found)
    assert 'aria-invalid="true"' in control
    assert f"{field}-errors" in control
    assert value in unescape(answer.text)


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_shown_and_linked_rightly(grid: Grid, name: str) -> None:
    visitor = grid.visitor

    places = [
        visitor.send("/collaborations/new", {"collab_id": name}).location,
        visitor.send(f"/collaborations/{name}/projects/new", {"project_id": name, "action": "regress"}).location,
        visitor.send(f"/collaborations/{name}/projects/{name}/experiments/new", {"expt_id": name, **LINEAR}).location,
        visitor.send(f"/collaborations/{name}/projects/{name}/experiments/{name}/runs/new", {"run_id": name}).location,
    ]

    for depth, place in enumerate(places):
        page = visitor.get(str(place))
        assert page.status_code == 200, place
        assert f">{name}</h1>" in unescape(page.text), place
        listed = visitor.get("/collaborations" if depth == 0 else str(places[depth - 1])).text
        links = [unescape(found) for found in re.findall(r'<th scope="row"><a href="([^"]*)"', listed)]
        assert place in links
        assert visitor.get(f"{str(place).replace('/=/', '/')}/edit").status_code == 200


@pytest.mark.parametrize("page", [OF_COLLABORATION, OF_PROJECT, OF_EXPERIMENT, OF_RUN])
def test_nothing_is_deleted_whose_name_is_not_typed(unchanged: Grid, page: str) -> None:
    asked = unchanged.visitor.get(f"{page}/delete")

    answer = unchanged.visitor.send(f"{page}/delete", {"name": "another"})

    assert asked.status_code == 200
    assert answer.status_code == 422
    assert 'href="#name"' in answer.text
    assert unchanged.stored(page)


def test_what_goes_along_is_told_before_it_is_deleted(grid: Grid) -> None:
    go_through_all_stages(grid.rest)

    told = grid.visitor.get(f"{OF_PROJECT}/delete").text

    for text in ("one experiment", "one run", "2 registrations", "one trained model", "2 validations"):
        assert text in told
    answer = grid.visitor.send(f"{OF_PROJECT}/delete", {"name": PROJECT})
    assert (answer.status_code, answer.location) == (303, OF_COLLABORATION)
    assert "was deleted" in grid.visitor.get(OF_COLLABORATION).text
    assert grid.rest.get(REST_OF[OF_PROJECT])[0] == 404


def test_nothing_is_deleted_that_has_been_changed_since_the_page_was_read(grid: Grid) -> None:
    opened = hidden_fields(grid.visitor.get(f"{OF_RUN}/delete").text)
    grid.rest.data("PUT", REST_OF[OF_RUN], {"rounds": 9})

    answer = grid.visitor.post(f"{OF_RUN}/delete", {**opened, "name": RUN})

    assert answer.status_code == 422
    assert grid.stored(OF_RUN)["rounds"] == 9


@pytest.mark.parametrize(
    ("page", "own", "values"),
    [
        (OF_COLLABORATION, "collab_id", {}),
        (OF_PROJECT, "project_id", {"action": "regress"}),
        (OF_EXPERIMENT, "expt_id", LINEAR),
        (OF_RUN, "run_id", {}),
    ],
)
def test_a_copy_begins_with_what_it_is_of(grid: Grid, page: str, own: str, values: Mapping[str, str]) -> None:
    form = grid.visitor.get(f"{page}/copy")

    answer = grid.visitor.send(f"{page}/copy", {**values, own: "the copy"})

    assert form.status_code == 200
    assert answer.status_code == 303
    assert str(answer.location).endswith("/the%20copy")


def test_a_run_that_is_edited_says_no_more_what_was_emptied(grid: Grid) -> None:
    answer = grid.visitor.send(f"{OF_RUN}/edit", {"run-rounds": "7"})

    assert answer.status_code == 303
    stored = grid.stored(OF_RUN)
    assert stored["rounds"] == 7
    assert "lr" not in stored
    assert stored["is_snn"] is False


def test_a_run_shows_what_its_model_was_trained_with(grid: Grid) -> None:
    go_through_all_stages(grid.rest)
    grid.rest.data("PUT", REST_OF[OF_RUN], {"lr": 0.77, "momentum": 0.5})

    page = grid.visitor.get(OF_RUN).text

    assert "is kept as version 1" in page or "are kept as version 1" in page
    [row] = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*<code>lr</code>.*?</tr>", page, re.DOTALL)
    assert "0.77" in row
    assert "0.001" in row
    assert "changed since" in row


def test_a_record_can_be_read_by_other_programs(unchanged: Grid) -> None:
    told = unchanged.visitor.get(f"{OF_RUN}?as=json").get_json()

    assert told["key"]["run_id"] == RUN
    assert told["rounds"] == unchanged.stored(OF_RUN)["rounds"]


def test_lists_can_be_read_by_other_programs(unchanged: Grid) -> None:
    lines = unchanged.visitor.get(f"{OF_EXPERIMENT}?format=csv").text.splitlines()

    assert lines[0].split(",")[:3] == ["run_id", "algorithm", "rounds"]
    assert lines[1].startswith(f"{RUN},")
