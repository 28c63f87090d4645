"""``synergos profile``: connections by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from synergos.cli.completion import complete_profile
from synergos.cli.output import Format, FormatOption, counted, print_rows
from synergos.cli.profiles import Address, Profile, Profiles, profiles_file
from synergos.errors import InvalidRequest

app = typer.Typer(
    no_args_is_help=True,
    help="Name connections to orchestrators, for --profile and SYNERGOS_PROFILE. They are kept in profiles.toml in the user's"
    " configuration folder, or in the folder that SYNERGOS_CONFIG names.",
)

NewName = Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called: letters, digits, - and _.")]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="One of `synergos profile list`.", autocompletion=complete_profile)
]


@app.command()
def add(
    name: NewName,
    address: Annotated[str, typer.Option(help="Where the orchestrator listens, as http://host:port.")],
    timeout: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds to wait for an answer. Default: 60.")
    ] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            "--tls-ca", exists=True, dir_okay=False, help="Who vouches for the orchestrator, by https: a file in PEM."
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            "--tls-cert", exists=True, dir_okay=False, help="Your certificate, for an orchestrator that wants one."
        ),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", exists=True, dir_okay=False, help="The key of your certificate.")
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Mean this one where nothing else is said.")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Name a connection; one of the same name is replaced."""
    place, path = Address.of(address, "--address"), profiles_file()
    files = [None if file is None else str(file.absolute()) for file in (tls_ca, tls_cert, tls_key)]
    if any(files) and not place.is_secured:
        raise InvalidRequest("expected https:// with --tls-ca, --tls-cert and --tls-key", "--address")
    if (tls_cert is None) != (tls_key is None):
        raise InvalidRequest("expected --tls-cert and --tls-key together", "--tls-cert")
    profiles = Profiles.load(path).with_profile(name, Profile(address, timeout, *files))
    if default:
        profiles = replace(profiles, default=name)
    profiles.save(path)
    _show(profiles, output)


@app.command("list")
def list_profiles(output: FormatOption = Format.TABLE) -> None:
    """List the connections, and which is the default."""
    _show(Profiles.load(profiles_file()), output)


@app.command()
def use(name: Name, output: FormatOption = Format.TABLE) -> None:
    """Make a connection the default: the one that is meant where nothing else is said."""
    path = profiles_file()
    profiles = Profiles.load(path)
    profiles.get(name, "NAME")
    profiles = replace(profiles, default=name)
    profiles.save(path)
    _show(profiles, output)


@app.command()
def remove(name: Name, output: FormatOption = Format.TABLE) -> None:
    """Forget a connection."""
    path = profiles_file()
    profiles = Profiles.load(path).without(name)
    profiles.save(path)
    _show(profiles, output)


def _show(profiles: Profiles, output: Format) -> None:
    rows = [
        {"name": name, **profile.to_dict(), "is_default": name == profiles.default}
        for name, profile in profiles.named.items()
    ]
    title = f"{counted(len(rows), 'profile')} in {profiles_file()}"
    print_rows(title, ("name", "address", "timeout", "tls_ca", "is_default"), rows, output)
