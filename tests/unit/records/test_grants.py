"""What a TTP's user of a database is granted."""

from __future__ import annotations

import pytest

from synergos.records.grants import TTP_RIGHTS, main, ttp_grants
from synergos.records.tables import JOBS, MEMBERS, METADATA, RECORDS


def test_of_every_table_it_is_said_what_ttps_may_do_in_it() -> None:
    assert set(TTP_RIGHTS) == set(METADATA.tables.values())
    for table, rights in TTP_RIGHTS.items():
        assert {*rights.insert, *rights.update} <= set(table.c.keys()), table.name


def test_no_job_and_no_result_is_a_ttps_to_add() -> None:
    assert not any(TTP_RIGHTS[table].insert or TTP_RIGHTS[table].delete for table in (JOBS, *RECORDS.values()))
    assert "endorsement" not in {*TTP_RIGHTS[MEMBERS].insert, *TTP_RIGHTS[MEMBERS].update}


def test_names_are_quoted() -> None:
    statements = ttp_grants('a"b', "s; DROP")

    assert all('"a""b"' in each for each in statements if " TO " in each)
    assert not any("s; DROP" in each.replace('"s; DROP"', "") for each in statements)


@pytest.mark.parametrize("role", ["x" * 63, "ä" * 31, "synergos_ttp"])
def test_what_a_role_may_not_do_is_called_as_no_other_roles(role: str) -> None:
    def policies(name: str) -> set[str]:
        return {each.split()[2] for each in ttp_grants(name) if "RESTRICTIVE" in each}

    [policy] = policies(role)

    assert len(policy.strip('"').encode()) <= 63
    assert policies(role[:-1] + "z") != {policy}


def test_the_command_prints_one_transaction(capsys: pytest.CaptureFixture[str]) -> None:
    main(["synergos_ttp", "--schema", "hospitals"])

    printed = capsys.readouterr().out.splitlines()
    assert (printed[0], printed[-1]) == ("BEGIN;", "COMMIT;")
    assert 'GRANT USAGE ON SCHEMA "hospitals" TO "synergos_ttp";' in printed
