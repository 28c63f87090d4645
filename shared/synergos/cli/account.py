"""``synergos account``: who may sign in at an orchestrator; offline, on the host of its record store."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synergos.cli.backup import DatabaseOption, DataOption
from synergos.cli.expiry import read_life
from synergos.cli.output import Format, FormatOption, print_fields, print_json, print_table, say
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
_TOKEN_COLUMNS = ("id", "account", "label", "created_at", "expires_at")


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
def list_accounts(
    data: DataOption = None, database: DatabaseOption = None, output: FormatOption = Format.TABLE
) -> None:
    """List the accounts, and which collaborations belong to each."""
    with _administration(data, database) as accounts:
        _show(accounts.all(), output)


@app.command()
def remove(
    name: Name, data: DataOption = None, database: DatabaseOption = None, output: FormatOption = Format.TABLE
) -> None:
    """Remove an account with its tokens; collaborations that belong to no other belong to nobody then."""
    with _administration(data, database) as accounts:
        _show([accounts.remove(name)], output)


@app.command()
def password(
    name: Name,
    password_file: PasswordFileOption = None,
    data: DataOption = None,
    database: DatabaseOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Give an account another password; its tokens end."""
    chosen = new_password(password_file)
    with _administration(data, database) as accounts:
        _show([accounts.set_password(name, chosen)], output)


@app.command()
def grant(
    name: Name,
    collaboration: Collaboration,
    data: DataOption = None,
    database: DatabaseOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Let a collaboration belong to an account too: one that another has declared, or that was there before accounts were."""
    with _administration(data, database) as accounts:
        _show([accounts.give(name, collaboration)], output)


@app.command()
def revoke(
    name: Name,
    collaboration: Collaboration,
    data: DataOption = None,
    database: DatabaseOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Let a collaboration not belong to an account any more."""
    with _administration(data, database) as accounts:
        _show([accounts.take(name, collaboration)], output)


@tokens.command("add")
def add_token(
    name: Name,
    life: Annotated[
        str, typer.Option("--expires", help="After so many minutes, hours, days or weeks (30m, 12h, 90d, 4w).")
    ] = "90d",
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    data: DataOption = None,
    database: DatabaseOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Give an account a token; it is shown this once."""
    with _administration(data, database) as accounts:
        token, text = accounts.add_token(name, read_life(life, "--expires"), label)
    if output is Format.JSON:
        print_json({**_row(token), "token": text})
        return
    print_fields("", _row(token))
    say("The token, which nobody can show again:")
    print(text)


@tokens.command("list")
def list_tokens(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of one account; default: of all.")] = None,
    data: DataOption = None,
    database: DatabaseOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """List the tokens that have not expired."""
    with _administration(data, database) as accounts:
        _show_tokens(accounts.tokens(name), output)


@tokens.command("revoke")
def revoke_token(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, as `synergos account token list` shows it.")],
    data: DataOption = None,
    database: DatabaseOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """End a token at once."""
    with _administration(data, database) as accounts:
        _show_tokens([accounts.revoke(token)], output)


@contextmanager
def _administration(data: Path | None, database: str | None, *, make: bool = False) -> Iterator[Administration]:
    with needing("ttp"):
        from synergos.accounts.administration import administration
    with ExitStack() as stack:
        # What the record store logs, where nobody has said where that goes, is no part of what a command answers.
        with redirect_stdout(sys.stderr):
            found = stack.enter_context(administration(data, database, make=make))
        yield found


def _show(accounts: Sequence[Listed], output: Format) -> None:
    rows = [asdict(account) for account in accounts]
    if output is Format.JSON:
        print_json(rows)
    else:
        print_table("1 account" if len(rows) == 1 else f"{len(rows)} accounts", _COLUMNS, rows)


def _show_tokens(found: Sequence[Token], output: Format) -> None:
    rows = [_row(token) for token in found]
    if output is Format.JSON:
        print_json(rows)
    else:
        print_table("1 token" if len(rows) == 1 else f"{len(rows)} tokens", _TOKEN_COLUMNS, rows)


def _row(token: Token) -> dict[str, object]:
    times = {name: getattr(token, name).isoformat(timespec="seconds") for name in ("created_at", "expires_at")}
    return {"id": token.id, "account": token.account, "label": token.label, **times}
