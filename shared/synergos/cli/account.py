"""``synergos account``: who may sign in at an orchestrator; offline, on the host of its record store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from synergos.cli.backup import DatabaseOption, DataOption
from synergos.cli.command_signature import taking
from synergos.cli.expiry import read_life
from synergos.cli.output import Format, FormatOption, counted, print_fields, print_json, print_rows, say
from synergos.cli.passwords import PasswordFileOption, new_password
from synergos.extras import needing

if TYPE_CHECKING:
    from synergos.accounts.administration import Administration, Listed, Token

app = typer.Typer(
    no_args_is_help=True,
    help="At an orchestrator: who may sign in, once it is started with `--auth`. On its record store, be the program running or not;"
    " what is changed here holds for the next request.",
)
tokens = typer.Typer(no_args_is_help=True, help="Tokens of accounts: they sign in as a password does, and expire.")
app.add_typer(tokens, name="token")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the account.")]
Collaboration = Annotated[str, typer.Argument(metavar="COLLABORATION", help="Its id.")]
_COLUMNS = ("name", "role", "participant", "has_password", "tokens", "collaborations")
Arguments = ParamSpec("Arguments")
_TOKEN_COLUMNS = ("id", "account", "label", "created_at", "expires_at")


@contextmanager
def _administration(data: Path | None, database: str | None, *, make: bool = False) -> Iterator[Administration]:
    with needing("ttp"):
        from synergos.accounts.administration import administration
    with ExitStack() as stack:
        # What the record store logs, where nobody has said where that goes, is no part of what a command answers.
        with redirect_stdout(sys.stderr):
            found = stack.enter_context(administration(data, database, make=make))
        yield found


def _administered(command: Callable[Concatenate[Administration, Arguments], None]) -> Callable[..., None]:
    """Make a command of a function that wants the accounts first: options say of which record store."""

    @wraps(command)
    def administering(*args: Any, data: Path | None = None, database: str | None = None, **options: Any) -> None:
        with _administration(data, database) as accounts:
            command(accounts, *args, **options)

    return taking(administering, command, {"data": DataOption, "database": DatabaseOption})


@app.command()
def add(
    name: Name,
    role: Annotated[
        str,
        typer.Option(
            help="orchestrator: declares collaborations and has those; participant: one participant's own; viewer: reads what"
            " everybody may."
        ),
    ],
    participant: Annotated[
        str | None, typer.Option(help="Which participant it is, by its id; for the role participant. Default: NAME.")
    ] = None,
    password_file: PasswordFileOption = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="It has none, and signs in with tokens alone.")
    ] = False,
    data: DataOption = None,
    database: DatabaseOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Make an account; its password is asked for."""
    password = None if no_password else new_password(password_file)
    whose = participant or (name if role == "participant" else None)
    with _administration(data, database, make=True) as accounts:
        _show([accounts.add(name, role, whose, password)], output)


@app.command("list")
@_administered
def list_accounts(accounts: Administration, output: FormatOption = Format.TABLE) -> None:
    """List the accounts, and which collaborations belong to each."""
    _show(accounts.all(), output)


@app.command()
@_administered
def remove(accounts: Administration, name: Name, output: FormatOption = Format.TABLE) -> None:
    """Remove an account with its tokens; collaborations that belong to no other belong to nobody then."""
    _show([accounts.remove(name)], output)


@app.command()
@_administered
def password(
    accounts: Administration, name: Name, password_file: PasswordFileOption = None, output: FormatOption = Format.TABLE
) -> None:
    """Give an account another password; its tokens end."""
    _show([accounts.set_password(name, new_password(password_file))], output)


@app.command()
@_administered
def grant(
    accounts: Administration, name: Name, collaboration: Collaboration, output: FormatOption = Format.TABLE
) -> None:
    """Let a collaboration belong to an account too: one that another has declared, or that was there before accounts were."""
    _show([accounts.give(name, collaboration)], output)


@app.command()
@_administered
def revoke(
    accounts: Administration, name: Name, collaboration: Collaboration, output: FormatOption = Format.TABLE
) -> None:
    """Let a collaboration not belong to an account any more."""
    _show([accounts.take(name, collaboration)], output)


@tokens.command("add")
@_administered
def add_token(
    accounts: Administration,
    name: Name,
    life: Annotated[
        str, typer.Option("--expires", help="After so many minutes, hours, days or weeks (30m, 12h, 90d, 4w).")
    ] = "90d",
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """Give an account a token; it is shown this once."""
    token, text = accounts.add_token(name, read_life(life, "--expires"), label)
    if output is Format.JSON:
        print_json({**_row(token), "token": text})
        return
    print_fields("", _row(token))
    say("The token, which nobody can show again:")
    print(text)


@tokens.command("list")
@_administered
def list_tokens(
    accounts: Administration,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of one account; default: of all.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """List the tokens that have not expired."""
    _show_tokens(accounts.tokens(name), output)


@tokens.command("revoke")
@_administered
def revoke_token(
    accounts: Administration,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, as `synergos account token list` shows it.")],
    output: FormatOption = Format.TABLE,
) -> None:
    """End a token at once."""
    _show_tokens([accounts.revoke(token)], output)


def _show(accounts: Sequence[Listed], output: Format) -> None:
    print_rows(counted(len(accounts), "account"), _COLUMNS, [asdict(account) for account in accounts], output)


def _show_tokens(found: Sequence[Token], output: Format) -> None:
    print_rows(counted(len(found), "token"), _TOKEN_COLUMNS, [_row(token) for token in found], output)


def _row(token: Token) -> dict[str, object]:
    times = {name: getattr(token, name).isoformat(timespec="seconds") for name in ("created_at", "expires_at")}
    return {"id": token.id, "account": token.account, "label": token.label, **times}
