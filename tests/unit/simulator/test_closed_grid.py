"""The plan of a closed grid: who is let in, and by what."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from synergos.driver import DriverError, ServerUnreachable
from synergos.errors import InvalidRequest
from synergos.identity.identity import read_identity
from synergos.permission.folders import PermissionFiles
from synergos_simulator.closed_grid import MOST_WORKERS, closed, permit
from synergos_simulator.cluster import ClusterPlan
from synergos_simulator.grid import Plan
from synergos_simulator.proofs import told
from synergos_ttp.rendezvous.rendezvous import MOST_STRANGERS

WORKERS = ["worker_1", "worker_2"]


def following(command: list[str], flag: str) -> str:
    return command[command.index(flag) + 1]


@pytest.mark.parametrize(
    ("kind", "identity"), [(Plan, "ttp/data/.trust/ttp.json"), (ClusterPlan, "records/.trust/director.json")]
)
def test_workers_trust_its_orchestrator_alone_and_listen_nowhere(
    kind: type[Plan | ClusterPlan], identity: str, tmp_path: Path
) -> None:
    ports = iter(range(20_000, 20_100))

    plan, admission = closed(kind(tmp_path, tmp_path / "data", WORKERS))
    programs = {program.name: list(program.command) for program in plan.programs(lambda: next(ports))}
    workers = {name: command for name, command in programs.items() if name.startswith("worker_")}

    assert admission.orchestrator == read_identity(tmp_path / identity).fingerprint
    assert {following(command, "--trust") for command in workers.values()} == {admission.orchestrator}
    assert {following(command, "--unlisted") for command in workers.values()} == {"deny"}
    assert all("--join" in command and "--port" not in command for command in workers.values())
    told = [command for name, command in programs.items() if name not in workers and "-m" in command]
    assert told
    assert all("--auth" in command and "--tls_key" in command for command in told)
    assert len({admission.lead, *admission.members.values()}) == 3
    assert not any(token in " ".join(command) for command in programs.values() for token in admission.members.values())


def test_keys_are_their_users_alone(tmp_path: Path) -> None:
    ports = iter(range(20_000, 20_100))
    plan, _ = closed(Plan(tmp_path, tmp_path / "data", WORKERS))
    plan.programs(lambda: next(ports))

    keys = list(tmp_path.rglob("*.key"))

    assert len(keys) == 4
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_a_folder_may_be_used_for_one_collaboration(tmp_path: Path) -> None:
    folder = tmp_path / "wine"
    folder.mkdir()

    permit(tmp_path, [folder], "a" * 64, "simulation")

    held = PermissionFiles(tmp_path).of(folder)
    assert held is not None
    assert held.rules is not None
    assert [(rule.uses.collaboration, [reader.who for reader in rule.readers]) for rule in held.rules.use_rules] == [
        ("simulation", ["a" * 64])
    ]


@pytest.mark.parametrize(
    ("error", "holds"),
    [(DriverError("sign in: with a token", 401), True), (ServerUnreachable("no answer"), False), (None, False)],
    ids=["refused for that", "away", "answered"],
)
def test_what_is_refused_for_another_reason_proves_nothing(error: DriverError | None, holds: bool) -> None:
    def ask() -> None:
        if error is not None:
            raise error

    assert told("nothing is read without an account", "asked without one", ask, "sign in").holds is holds


def test_more_participants_than_may_dial_out_from_one_machine_are_refused(tmp_path: Path) -> None:
    names = [f"worker_{number}" for number in range(MOST_WORKERS + 1)]

    with pytest.raises(InvalidRequest, match=f"--secure: expected at most {MOST_WORKERS} participants"):
        closed(Plan(tmp_path, tmp_path / "data", names))

    assert list(tmp_path.iterdir()) == []
    assert MOST_WORKERS == MOST_STRANGERS
