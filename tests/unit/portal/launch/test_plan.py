"""What a launch comes to."""

from __future__ import annotations

from synergos_portal.pages.launch.plan import Experiment, Plan, Request, Task

ALL = frozenset(Task)
NETWORK = Experiment("network", runs=3)


def test_requests_are_made_in_the_order_in_which_they_rest_on_each_other() -> None:
    plan = Plan(ALL, {"network": NETWORK}, [("trees", "r1")])

    assert plan.requests == [
        Request(Task.ALIGN),
        Request(Task.TRAIN, ("network",), 3),
        Request(Task.TRAIN, ("trees", "r1")),
        Request(Task.VALIDATE, ("network",), 3),
        Request(Task.VALIDATE, ("trees", "r1")),
    ]
    assert (plan.jobs, plan.jobs_of(Task.TRAIN), plan.jobs_of(Task.ALIGN)) == (9, 4, 1)


def test_a_run_is_launched_once_however_it_was_chosen() -> None:
    plan = Plan(frozenset({Task.TRAIN}), {"network": NETWORK}, [("network", "r1"), ("trees", "r"), ("trees", "r")])

    assert plan.requests == [Request(Task.TRAIN, ("network",), 3), Request(Task.TRAIN, ("trees", "r"))]


def test_an_experiment_without_runs_makes_no_request() -> None:
    assert Plan(ALL - {Task.ALIGN}, {"empty": Experiment("empty", runs=0)}).requests == []


def test_a_request_knows_its_route() -> None:
    assert Request(Task.VALIDATE, ("e", "r")).parts("c", "p") == (
        *("evaluate", "collaborations", "c", "projects", "p", "validations", "e", "r"),
    )
