"""``synergos login`` and ``logout``: a token in the place of a password, kept for this user alone."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from synergos import Driver
from synergos.cli import logins
from synergos.cli.connection import AddressOption, CaOption, ProfileOption, connected, driver_for
from synergos.cli.expiry import read_life
from synergos.cli.output import Format, FormatOption, print_record
from synergos.cli.passwords import PasswordFileOption, known_password
from synergos.driver import DriverError
from synergos.errors import InvalidRequest


def login(
    user: Annotated[str | None, typer.Option("--user", help="The account's name; it is asked for otherwise.")] = None,
    password_file: PasswordFileOption = None,
    expires: Annotated[
        str, typer.Option(help="When to sign in again: after so many minutes, hours, days or weeks (30m, 12h, 4w).")
    ] = "12h",
    address: AddressOption = None,
    profile: ProfileOption = None,
    tls_ca: CaOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Sign in at an orchestrator: commands that ask it show a token from now on, until that expires.

    The token is kept in logins.json in the user's configuration folder, which others may not read; the password nowhere. Without a
    password to ask for (``SYNERGOS_TOKEN``, ``.netrc``), nobody needs to sign in.
    """
    seconds = int(read_life(expires, "--expires").total_seconds())
    name = user or _asked_name()
    if ":" in name:
        raise InvalidRequest("no account has a colon in its name", "--user")
    password = known_password(password_file)
    with driver_for(address, profile, tls_ca, login=(name, password)) as driver:
        made = driver.tokens.create(seconds, "synergos login")["data"]
        kept = {name: made[name] for name in ("id", "token", "expires_at")}
        logins.keep(driver.address, kept)
        _show(driver, {**made["account"], "expires_at": made["expires_at"]}, output)


@connected
def logout(driver: Driver, output: FormatOption = Format.TABLE) -> None:
    """Sign out: the token of `synergos login` ends at the orchestrator, and is not kept any more."""
    login = logins.forget(driver.address)
    if login is None:
        raise InvalidRequest(f"nobody is signed in at {driver.address}", "--address")
    # It may have expired or have been revoked; then it is as it should be.
    with suppress(DriverError):
        driver.tokens.delete(str(login["id"]))
    _show(driver, {"id": login["id"]}, output)


def _asked_name() -> str:
    name: str = typer.prompt("Account", err=True)
    return name


def _show(driver: Driver, told: dict[str, object], output: Format) -> None:
    shown = {
        "address": driver.address,
        **{name: value for name, value in told.items() if name not in {"token", "kind"}},
    }
    print_record("", shown, output)
