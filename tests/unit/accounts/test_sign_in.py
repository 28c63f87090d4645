"""Whose a request is, shown by password or token, and told of nothing when it is wrong."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from fakes.clock import Clock
from fakes.people import PASSWORD, add_people, basic
from synergos.accounts import passwords, tokens
from synergos.accounts.passwords import Comparison
from synergos.accounts.sign_in import SignIn
from synergos.accounts.throttle import (
    FREE_ATTEMPTS,
    FREE_OF_ACCOUNT,
    FREE_OF_ADDRESS,
    MOST_REMEMBERED,
    Throttle,
)
from synergos.domain.roles import Role
from synergos.errors import InvalidRequest, NotSignedIn, RecordNotFound, TooManyAttempts
from synergos.records import RecordStore
from synergos.records.accounts import MOST_TOKENS, Account, Accounts

OF_PROGRAMS = passwords._HASHER
"""Tests have a quicker one in its place; see conftest.py."""


@pytest.fixture
def accounts(store: RecordStore) -> Accounts:
    return add_people(store, "lead", "first")


@pytest.fixture
def sign_in(accounts: Accounts) -> SignIn:
    return SignIn(accounts)


def refused(sign_in: SignIn, authorization: str | None, address: str = "10.0.0.1") -> NotSignedIn:
    with pytest.raises(NotSignedIn) as caught:
        sign_in.who(authorization, address)
    return caught.value


def test_a_password_shows_whose_account_it_is(sign_in: SignIn, accounts: Accounts) -> None:
    kept = accounts.get("first").password

    who = sign_in.who(basic("first"), "10.0.0.1")

    assert accounts.get("first").password == kept
    assert (who.name, who.role, who.participant, who.until) == ("first", Role.PARTICIPANT, "worker_1", None)


def test_a_password_of_other_letters_is_taken_as_requests_and_as_browsers_send_it(
    sign_in: SignIn, accounts: Accounts
) -> None:
    accounts.set_password("lead", passwords.hashed("größer als zwölf"))

    for encoding in ("latin-1", "utf-8"):
        sent = b64encode("lead:größer als zwölf".encode(encoding)).decode()
        assert sign_in.who(f"basic {sent}", "10.0.0.1").name == "lead"


def test_a_wrong_password_and_an_unknown_account_are_told_the_same(sign_in: SignIn) -> None:
    wrong, unknown = (
        refused(sign_in, basic("lead", "not it at all")),
        refused(sign_in, basic("nobody", "not it at all")),
    )

    assert (type(wrong), str(wrong)) == (type(unknown), str(unknown))


def test_an_unknown_account_costs_the_work_of_a_comparison_too(
    monkeypatch: pytest.MonkeyPatch, sign_in: SignIn
) -> None:
    compared: list[str] = []
    verify = Comparison._verifies

    def watched(given: str, kept: str) -> bool:
        compared.append(kept)
        return verify(given, kept)

    monkeypatch.setattr(Comparison, "_verifies", staticmethod(watched))

    refused(sign_in, basic("nobody", "x"))
    refused(sign_in, basic("lead", "x"))

    assert len(compared) == 2


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic bm9jb2xvbg==",
        "Digest x",
        "Bearer",
        "Bearer x",
        f"Bearer {'x' * 20_000}",
        "Negotiate",
    ],
)
def test_whoever_says_nothing_of_sense_is_nobody(sign_in: SignIn, authorization: str | None) -> None:
    assert not isinstance(refused(sign_in, authorization), TooManyAttempts)


@pytest.mark.parametrize("name", ["nul\0", "x" * 5000, "", "läd"])
def test_a_name_that_no_account_can_have_is_an_unknown_one(sign_in: SignIn, name: str) -> None:
    refused(sign_in, basic(name))


def test_a_password_is_compared_once_and_not_again_for_a_while(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in.who(basic("lead"), "10.0.0.1")
    monkeypatch.setattr(Comparison, "_verifies", staticmethod(lambda *_: pytest.fail("compared again")))

    sign_in.who(basic("lead"), "10.0.0.2")


def test_a_password_that_was_changed_is_wrong_at_once(sign_in: SignIn, accounts: Accounts) -> None:
    sign_in.who(basic("lead"), "10.0.0.1")
    accounts.set_password("lead", passwords.hashed("another one altogether"))

    refused(sign_in, basic("lead"))


def test_a_token_signs_in_until_it_is_revoked(sign_in: SignIn) -> None:
    lead = sign_in.who(basic("lead"), "10.0.0.1")
    token, text = sign_in.new_token(lead, timedelta(hours=1), "a notebook")

    assert sign_in.who(f"Bearer {text}", "10.0.0.1").name == "lead"
    assert text not in repr(sign_in.tokens_of(lead))
    sign_in.revoke(lead, token.id)

    refused(sign_in, f"Bearer {text}")


def test_a_token_that_has_expired_is_none(sign_in: SignIn, accounts: Accounts) -> None:
    token, text = tokens.made("lead", until=datetime.now(UTC) - timedelta(seconds=1))
    accounts.add_token(token)

    refused(sign_in, f"Bearer {text}")


def test_a_token_by_a_token_lives_no_longer_than_that(sign_in: SignIn) -> None:
    first, text = sign_in.new_token(sign_in.who(basic("lead"), "10.0.0.1"), timedelta(minutes=5), "")

    second, _ = sign_in.new_token(sign_in.who(f"Bearer {text}", "10.0.0.1"), timedelta(days=300), "")

    assert second.expires_at == first.expires_at


def test_a_token_is_its_own_accounts_to_revoke(sign_in: SignIn) -> None:
    token, _ = sign_in.new_token(sign_in.who(basic("lead"), "10.0.0.1"), timedelta(minutes=5), "")

    with pytest.raises(RecordNotFound):
        sign_in.revoke(sign_in.who(basic("first"), "10.0.0.1"), token.id)


def test_tokens_end_with_the_password_and_with_the_account(sign_in: SignIn, accounts: Accounts) -> None:
    def another_password() -> None:
        accounts.set_password("lead", passwords.hashed("x" * 20))

    def no_account() -> None:
        accounts.remove("lead")

    for end in (another_password, no_account):
        token, text = tokens.made("lead")
        accounts.add_token(token)
        assert sign_in.who(f"Bearer {text}", "10.0.0.1").name == "lead"
        end()
        refused(sign_in, f"Bearer {text}")


def test_an_account_has_so_many_tokens_and_no_more(accounts: Accounts) -> None:
    for number in range(MOST_TOKENS + 2):
        accounts.add_token(tokens.made("lead", timedelta(hours=1 + number))[0])

    assert len(accounts.tokens("lead")) == MOST_TOKENS


def test_what_is_kept_of_password_and_token_is_neither(accounts: Accounts) -> None:
    token, text = tokens.made("lead")
    accounts.add_token(token)

    assert PASSWORD not in str(vars(accounts.get("lead")))
    assert text.rpartition("_")[2] not in str(vars(token))


@pytest.mark.parametrize("password", ["", "short", "lead lead lead", "aaaaaaaaaaaaaaaa", "x" * 1025])
def test_a_password_that_would_be_guessed_is_refused(password: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^password: "):
        passwords.check_new(password, "lead")


@pytest.mark.parametrize(
    ("account", "field"),
    [
        (Account("a:b", Role.VIEWER), "name"),
        (Account("../x", Role.VIEWER), "name"),
        (Account("lead", Role.VIEWER), "name"),
        (Account("LEAD", Role.VIEWER), "name"),
        (Account("x", Role.PARTICIPANT), "participant"),
        (Account("x", Role.VIEWER, "worker_1"), "participant"),
    ],
    ids=str,
)
def test_an_account_that_makes_no_sense_is_refused(accounts: Accounts, account: Account, field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{field}: "):
        accounts.add(account)


# Wrong too often


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def is_kept_out(throttle: Throttle, account: str, address: str) -> bool:
    try:
        throttle.check(account, address)
    except TooManyAttempts:
        return True
    return False


def test_whoever_was_wrong_so_often_waits_longer_each_time(throttle: Throttle, clock: Clock) -> None:
    waits = []
    for _ in range(FREE_ATTEMPTS + 20):
        throttle.failed("lead", "10.0.0.1")
        if is_kept_out(throttle, "lead", "10.0.0.1"):
            with pytest.raises(TooManyAttempts) as caught:
                throttle.check("lead", "10.0.0.1")
            waits.append(caught.value.seconds)
            clock.now += caught.value.seconds

    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == 300


def test_it_is_forgotten_after_a_while(throttle: Throttle, clock: Clock) -> None:
    for _ in range(FREE_ATTEMPTS):
        throttle.failed("lead", "10.0.0.1")
    clock.now += 3600
    throttle.failed("lead", "10.0.0.1")

    assert not is_kept_out(throttle, "lead", "10.0.0.1")


def test_others_at_other_places_are_not_kept_out(throttle: Throttle) -> None:
    for _ in range(FREE_ATTEMPTS):
        throttle.failed("lead", "10.0.0.1")

    assert not is_kept_out(throttle, "lead", "10.0.0.2")
    assert not is_kept_out(throttle, "first", "10.0.0.1")


def test_one_account_is_not_tried_from_everywhere_and_still_open_where_it_was_signed_in(throttle: Throttle) -> None:
    throttle.succeeded("lead", "192.168.0.1")
    for number in range(FREE_OF_ACCOUNT):
        throttle.failed("lead", f"10.0.0.{number}")

    assert is_kept_out(throttle, "lead", "10.0.1.1")
    assert not is_kept_out(throttle, "lead", "192.168.0.1")


def test_one_place_does_not_try_all_accounts(throttle: Throttle) -> None:
    for number in range(FREE_OF_ADDRESS):
        throttle.failed(f"account {number}", "10.0.0.1")

    assert is_kept_out(throttle, "lead", "10.0.0.1")


def test_a_network_of_ipv6_is_one_place(throttle: Throttle) -> None:
    for number in range(FREE_OF_ADDRESS):
        throttle.failed(f"account {number}", f"2001:db8::{number:x}")

    assert is_kept_out(throttle, "lead", "2001:db8::ffff:1")
    assert not is_kept_out(throttle, "lead", "2001:db8:0:1::1")


def test_what_is_remembered_has_bounds(throttle: Throttle) -> None:
    for number in range(MOST_REMEMBERED):
        throttle.failed(f"{number}" * 50, "10.0.0.1")
        throttle.succeeded(f"{number}", "10.0.0.1")

    assert len(throttle._failures) <= MOST_REMEMBERED
    assert len(throttle._known) <= MOST_REMEMBERED


def test_the_right_password_is_not_told_either_while_somebody_is_kept_out(accounts: Accounts, clock: Clock) -> None:
    sign_in = SignIn(accounts, Throttle(clock))
    sign_in.who(basic("lead"), "10.0.0.1")
    for _ in range(FREE_ATTEMPTS):
        refused(sign_in, basic("lead", "wrong every time"))

    assert isinstance(refused(sign_in, basic("lead")), TooManyAttempts)
    assert isinstance(refused(sign_in, basic("lead", "wrong again")), TooManyAttempts)
    clock.now += 10
    assert sign_in.who(basic("lead"), "10.0.0.1").name == "lead"


def test_a_right_token_is_let_in_however_many_wrong_ones_come_from_there(accounts: Accounts, clock: Clock) -> None:
    sign_in = SignIn(accounts, Throttle(clock))
    token, text = tokens.made("lead")
    accounts.add_token(token)

    for _ in range(2 * FREE_ATTEMPTS):
        last = refused(sign_in, f"Bearer {text[:-8]}AAAAAAAA")
    for _ in range(FREE_OF_ADDRESS):
        others = refused(sign_in, f"Bearer {tokens.made('lead')[1]}")

    assert isinstance(last, TooManyAttempts)
    assert isinstance(others, TooManyAttempts)
    assert sign_in.who(f"Bearer {text}", "10.0.0.1").name == "lead"


# Hashed anew


def test_what_programs_keep_of_a_password_is_slow_to_compare_with() -> None:
    assert OF_PROGRAMS.hash(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


OLD = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def in_between(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens after a password was read and compared, before it is hashed anew."""
    hashed = passwords.hashed

    def late(password: str) -> str:
        monkeypatch.setattr(passwords, "hashed", hashed)
        happens()
        return hashed(password)

    monkeypatch.setattr(passwords, "hashed", late)


def test_a_password_hashed_as_it_was_once_is_hashed_anew_and_tokens_stay(sign_in: SignIn, accounts: Accounts) -> None:
    accounts.set_password("lead", OLD.hash(PASSWORD))
    token, text = tokens.made("lead")
    accounts.add_token(token)

    sign_in.who(basic("lead"), "10.0.0.1")

    assert not passwords.is_old(accounts.get("lead").password or "")
    assert sign_in.who(f"Bearer {text}", "10.0.0.1").token == token.id


def test_a_password_that_is_changed_while_somebody_signs_in_stays_changed(
    sign_in: SignIn, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.set_password("lead", OLD.hash(PASSWORD))
    new = passwords.hashed("another one altogether")
    in_between(monkeypatch, lambda: accounts.set_password("lead", new))

    sign_in.who(basic("lead"), "10.0.0.1")

    assert accounts.get("lead").password == new
    refused(sign_in, basic("lead"))


def test_an_account_that_is_removed_while_somebody_signs_in_is_nobodys(
    sign_in: SignIn, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.set_password("lead", OLD.hash(PASSWORD))
    in_between(monkeypatch, lambda: accounts.remove("lead"))

    refused(sign_in, basic("lead"))


def test_more_comparisons_than_there_is_room_for_are_not_waited_for() -> None:
    comparison = Comparison()
    while comparison._room.acquire(blocking=False):
        pass

    with pytest.raises(TooManyAttempts):
        comparison.is_right("x", None)


def test_many_who_come_together_are_all_signed_in(sign_in: SignIn) -> None:
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda number: sign_in.who(basic("lead"), f"10.0.0.{number}").name, range(20)))

    assert found == ["lead"] * 20
