"""What a grid on this machine starts for its portal."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from synergos_simulator.cluster import ClusterPlan
from synergos_simulator.grid import Plan
from synergos_simulator.mlops import WithMlops
from synergos_simulator.portal import WithPortal, first_of_three, showing_its_queue


@pytest.fixture(autouse=True)
def taken(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Ports that somebody listens on."""
    found: set[int] = set()
    monkeypatch.setattr("synergos_simulator.portal.is_free", lambda port: port not in found)
    return found


def after(command: list[str] | tuple[str, ...], flag: str) -> str:
    return command[command.index(flag) + 1]


def test_it_is_started_last_stopped_first_and_asks_the_ttp() -> None:
    *others, portal = WithPortal(Plan(Path("/run"), Path("/data"), ["w"])).programs(count(20000).__next__)

    command = list(portal.command)
    ttp = next(program for program in others if program.name == "ttp")
    assert command[1:3] == ["-m", "synergos_portal"]
    assert after(command, "--orchestrator") == ttp.address
    assert after(command, "--host") == "127.0.0.1"
    assert portal.stops > max(program.stops for program in others)
    assert not {"--mlops", "--queue_pages", "--tls_ca"} & set(command)


def test_it_shows_the_pages_of_the_grids_mlflow_and_of_its_queue(tmp_path: Path) -> None:
    plan, pages = showing_its_queue(ClusterPlan(tmp_path, tmp_path, ["w"]), lambda: 29999)
    assert isinstance(plan, ClusterPlan)
    *others, portal = WithPortal(WithMlops(plan, Path("/mlflow/python")), pages, plan.broker_folder).programs(
        count(20000).__next__
    )

    command = list(portal.command)
    director = next(program for program in others if program.name == "director")
    mlops = next(program for program in others if program.name == "mlops")
    assert after(command, "--orchestrator") == director.address
    assert after(command, "--mlops") == mlops.address
    assert after(command, "--queue_pages") == "http://127.0.0.1:29999"
    assert Path(after(command, "--queue_password_file")).read_text().strip() not in " ".join(command)
    settings = (plan.broker_folder / "rabbitmq.conf").read_text()
    assert "management.tcp.port = 29999" in settings
    assert (plan.broker_folder / "plugins").read_text() == "[rabbitmq_management].\n"


def test_a_basic_grid_has_no_queue_to_show() -> None:
    assert showing_its_queue(plan := Plan(Path("/run"), Path("/data"), ["w"]), lambda: 1) == (plan, 0)


def test_its_ports_are_the_usual_ones_unless_one_of_them_is_taken(taken: set[int]) -> None:
    taken |= {4001, 4003}
    assert first_of_three(count(20000).__next__) == 4006
    taken |= {*range(4000, 5000), 20001}
    assert first_of_three(count(20000).__next__) == 20002
    taken.clear()
    assert first_of_three(count(20000).__next__) == 4000
