"""Which orchestrator a command talks to, and how a command comes to its driver."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from synergos import Driver
from synergos.cli.command_signature import taking
from synergos.cli.completion import complete_profile
from synergos.cli.exits import words_of
from synergos.cli.logins import token_for
from synergos.cli.profiles import Address, Profile, Profiles, profiles_file
from synergos.driver import Interrupted
from synergos.driver.login import TOKEN_VARIABLE
from synergos.errors import InvalidRequest

Arguments = ParamSpec("Arguments")

ORCHESTRATORS = "synergos.orchestrators"
"""Entry points: functions that say where an orchestrator runs on this machine, if they know of one."""
ADDRESS_VARIABLE = "SYNERGOS_ADDRESS"
PROFILE_VARIABLE = "SYNERGOS_PROFILE"
DEFAULT_ADDRESS = "http://127.0.0.1:5000"

AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        help=f"The orchestrator, as http://host:port or https://host:port; by https --tls-ca says who vouches for it. Default: {ADDRESS_VARIABLE}, then the profile that {PROFILE_VARIABLE} names,"
        " then the local grid that `synergos grid up` started in this folder, then the default profile, then"
        f" {DEFAULT_ADDRESS}.",
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="The orchestrator, by the name that `synergos profile add` gave it.",
        autocompletion=complete_profile,
    ),
]


CaOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-ca",
        exists=True,
        dir_okay=False,
        help="Who vouches for the orchestrator, by https: a file in PEM. Default: the profile's, then SYNERGOS_TLS_CA.",
    ),
]


def connected(command: Callable[Concatenate[Driver, Arguments], None]) -> Callable[..., None]:
    """Make a command of a function that wants a driver first: options say for which orchestrator.

    The driver raises errors, and its connections are gone when the command ends. Who interrupts it is told what goes on.
    """

    @wraps(command)
    def connecting(
        *args: Any, address: str | None = None, profile: str | None = None, tls_ca: Path | None = None, **options: Any
    ) -> None:
        try:
            with driver_for(address, profile, tls_ca) as driver:
                command(driver, *args, **options)
        except Interrupted as interrupted:
            print(f"synergos: {words_of(interrupted)}", file=sys.stderr)
            raise

    return taking(connecting, command, {"address": AddressOption, "profile": ProfileOption, "tls_ca": CaOption})


def driver_for(
    address: str | None = None,
    profile: str | None = None,
    tls_ca: Path | None = None,
    *,
    timeout: float | None = None,
    login: tuple[str, str] | None = None,
) -> Driver:
    """A driver for the orchestrator that is meant; it raises errors.

    It shows who it is of: by ``SYNERGOS_TOKEN``, else by what `synergos login` has kept, else by a ``.netrc`` file.

    Args:
        tls_ca: a file of who vouches for the orchestrator, in the place of the profile's.
        timeout: seconds to wait for an answer, in the place of the profile's; without either as long as is usual for a request.
        login: name and password, in the place of all that.

    Raises:
        InvalidRequest: the address is not one, or there are two; or nobody can vouch for it, as it is none of https.
        RecordNotFound: there is no such profile.
    """
    meant, field = _meant(address, profile)
    place = Address.of(meant.address, field)
    if tls_ca is not None and not place.is_secured:
        raise InvalidRequest(f"expected with an address of https://, got {meant.address}", "--tls-ca")
    tls = (
        {"tls_ca": tls_ca or meant.tls_ca, "tls_cert": meant.tls_cert, "tls_key": meant.tls_key}
        if place.is_secured
        else {}
    )
    token = None if login is not None or os.environ.get(TOKEN_VARIABLE) else token_for(meant.address)
    return Driver(
        place.host,
        place.port,
        place.is_secured,
        timeout=timeout or meant.timeout,
        raise_errors=True,
        token=token,
        login=login,
        **tls,
    )


def _meant(address: str | None, name: str | None) -> tuple[Profile, str]:
    """The connection that is meant, and what said so."""
    if address is not None and name is not None:
        raise InvalidRequest("say either this or --address", "--profile")
    if address is not None:
        return Profile(address), "--address"
    if name is not None:
        return Profiles.load(profiles_file()).get(name, "--profile"), "--profile"
    if said := os.environ.get(ADDRESS_VARIABLE):
        return Profile(said), ADDRESS_VARIABLE
    if said := os.environ.get(PROFILE_VARIABLE):
        return Profiles.load(profiles_file()).get(said, PROFILE_VARIABLE), PROFILE_VARIABLE
    if local := _local_grid():
        return local, "the local grid"
    profiles = Profiles.load(profiles_file())
    if profiles.default is not None:
        return profiles.named[profiles.default], "the default profile"
    return Profile(DEFAULT_ADDRESS), "--address"


def _local_grid() -> Profile | None:
    """The orchestrator that another package knows to run here."""
    for point in entry_points(group=ORCHESTRATORS):
        # What it needs may be missing where only the driver is installed; then it has started nothing here.
        with suppress(ImportError):
            found: tuple[str, str | None] | None = point.load()()
            if found is not None:
                return Profile(found[0], tls_ca=found[1])
    return None
