"""A TTP that is said to be one of a cluster's is one, or says what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from synergos.domain.quotas import Quotas
from synergos.pki.consortium import LocalConsortium
from synergos.program.destination_flags import nodes_of, tracking_servers_of
from synergos.program.flags import quotas_of
from synergos_ttp.__main__ import main, parser


def test_a_ttp_of_a_cluster_needs_a_queue(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--deployment", "cluster"])

    assert ended.value.code == 2
    assert "--queue: one of a cluster's TTPs needs it" in capsys.readouterr().err


def test_a_rendezvous_is_not_in_the_clear_at_a_ttp_that_believes_an_authority(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    authority = LocalConsortium(tmp_path / "pki").authority.believed

    with pytest.raises(SystemExit) as ended:
        main(["--data", str(tmp_path / "data"), "--rendezvous_port", "5010", "--tls_ca", str(authority)])

    assert ended.value.code == 2
    assert "--rendezvous_port: expected --tls_cert and --tls_key too" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("flag", ["--allow_nodes", "--allow_mlops"])
def test_a_place_that_is_none_is_refused_before_anything_is_made(
    flag: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(tmp_path / "data"), flag, "10.0.0.9:5500", "http://10.0.0.9"])

    assert ended.value.code == 2
    assert f"{flag}: expected a name, an address or a network" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_places_are_in_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNERGOS_ALLOW_MLOPS", "10.0.0.9:5500 mlflow.example.org")
    flags = parser()

    servers = tracking_servers_of(flags, flags.parse_args(["--host", "10.0.0.1"])).places

    assert servers is not None
    assert (servers.have("10.0.0.9", 5500), servers.have("mlflow.example.org", 1)) == (True, True)
    assert servers.have("10.0.0.8", 5500) is False
    assert nodes_of(flags, flags.parse_args([])).places is None


def test_quotas_are_read_from_the_command_line_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert quotas_of(parser(), parser().parse_args(["--quota", "records=5", "bytes=2K"])) == Quotas(
        records=5, bytes=2048
    )
    monkeypatch.setenv("SYNERGOS_QUOTA", "waiting_jobs=7 running_studies=1")
    assert quotas_of(parser(), parser().parse_args([])) == Quotas(waiting_jobs=7, running_studies=1)


def test_a_quota_that_is_none_ends_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        quotas_of(parser(), parser().parse_args(["--quota", "jobs=5"]))

    assert ended.value.code == 2
    assert "--quota: 'jobs' is not a quota; did you mean waiting_jobs" in capsys.readouterr().err
