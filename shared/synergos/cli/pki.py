"""``synergos pki``: the certificates of a consortium, by which its programs speak TLS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synergos.cli.output import Format, FormatOption, print_rows, say
from synergos.errors import InvalidRequest
from synergos.extras import needing

if TYPE_CHECKING:
    from synergos.pki.issued import Issued

app = typer.Typer(
    no_args_is_help=True,
    help="Make the certificates by which the programs of a consortium speak TLS. An authority signs requests; keys stay where they are made.",
)

_AUTHORITY = Path("synergos-pki")
_COLUMNS = ("name", "serial", "state", "until", "hosts", "uses")

AuthorityOption = Annotated[Path, typer.Option("--authority", metavar="FOLDER", help="The authority's folder.")]
DaysOption = Annotated[int, typer.Option(min=1, help="For how many days it holds.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is called in the authority's lists, as hospital_1.")]


@app.command()
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Of the authority, on a machine of its owner's.")
    ] = _AUTHORITY,
    name: Annotated[str, typer.Option(help="Of the consortium.")] = "Synergos",
    days: DaysOption = 3650,
    output: FormatOption = Format.TABLE,
) -> None:
    """Found an authority: its key stays in the folder, and ca.pem there is for everybody."""
    with needing("worker"):
        from synergos.pki.authority import KEY, Authority
    authority = Authority.founded(folder, name, days)
    _show([{"name": name, "authority": str(authority.believed), "key": str(folder / KEY)}], output)
    say(f"give {authority.believed} to every program (--tls_ca) and client; nobody else gets {folder / KEY}")


@app.command()
def request(
    name: Name,
    host: Annotated[
        list[str] | None,
        typer.Option(help="A name or address by which others connect to it; may be said again for another one."),
    ] = None,
    folder: Annotated[Path, typer.Option("--folder", help="Where key and request go.")] = Path(),
    use: Annotated[
        list[str] | None,
        typer.Option(metavar="server|client", help="What it is for. Default: both, as our programs want it."),
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """At a site: make a key, which stays here, and a request for a certificate, which goes to the authority."""
    with needing("worker"):
        from synergos.pki.names import BOTH, Names, Use
        from synergos.pki.site import make_request
    strange = [each for each in use or () if each not in list(Use)]
    if strange:
        raise InvalidRequest(f"expected server or client, got {strange[0]!r}", "--use")
    uses = tuple(Use(each) for each in use) if use else BOTH
    names = Names.checked(name, host or (), uses)
    key, made, fingerprint = make_request(folder, names)
    say(f"send {made} to the authority; {key} stays here")
    _show([{"name": name, "hosts": ", ".join(names.hosts), "key": fingerprint, "request": str(made)}], output)


@app.command()
def issue(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="What `synergos pki request` has made at a site.")],
    authority: AuthorityOption = _AUTHORITY,
    days: DaysOption = 365,
    key: Annotated[
        str | None,
        typer.Option(
            help="The fingerprint of the key, as the site has read it to you: a request with another one is refused."
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="A certificate of that name with another key may still hold; revoke it when it is not used any more.",
        ),
    ] = False,
    host: Annotated[
        list[str] | None,
        typer.Option(
            help="A host of the request that it may have though a certificate of another name has it, or those of this name have not; may be"
            " said again for another one."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the certificate goes. Default: beside the request.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """At the authority: sign a request, for the names and hosts in it, which are shown."""
    with needing("worker"):
        from synergos.pki import pem
        from synergos.pki.authority import Authority
        from synergos.pki.names import Names
    found = pem.request(request)
    shown = pem.strong(found.public_key())
    if key is not None and (shown is None or pem.fingerprint(shown) != key.lower().replace(":", "")):
        raise InvalidRequest(f"the request is of another key: {pem.fingerprint(shown) if shown else 'none'}", "--key")
    asked = Names.of(found.subject, found.extensions)
    say(f"{asked.name} asks to be believed at {', '.join(asked.hosts) or 'no host'}, as {' and '.join(asked.uses)}")
    issued = Authority.in_folder(authority).issue(found, days, replaces=replace, hosts=host or ())
    _hand_out(issued, out or request.with_suffix(".pem"), output)


@app.command()
def renew(
    name: Name,
    authority: AuthorityOption = _AUTHORITY,
    days: DaysOption = 365,
    out: Annotated[Path | None, typer.Option(help="Where the certificate goes. Default: NAME.pem here.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """At the authority: another certificate for the same name, hosts and key; nothing is asked of the site but to put it in place."""
    with needing("worker"):
        from synergos.pki.authority import Authority
    _hand_out(Authority.in_folder(authority).renew(name, days), out or Path(f"{name}.pem"), output)


@app.command()
def revoke(
    said: Annotated[str, typer.Argument(metavar="NAME|SERIAL", help="All certificates of a name that hold, or one.")],
    authority: AuthorityOption = _AUTHORITY,
    reason: Annotated[
        str,
        typer.Option(help="unspecified, key_compromise, affiliation_changed, superseded or cessation_of_operation."),
    ] = "unspecified",
    output: FormatOption = Format.TABLE,
) -> None:
    """At the authority: take certificates back. Who has the new ca.pem believes them no more, from the next connection on."""
    with needing("worker"):
        from synergos.pki.authority import Authority
        from synergos.pki.revocation_list import Reason
    if reason not in list(Reason):
        raise InvalidRequest(f"expected one of {', '.join(Reason)}, got {reason[:40]!r}", "--reason")
    own = Authority.in_folder(authority)
    revoked = own.revoke(said, Reason(reason))
    say(f"give {own.believed} to every program and client again: it has what was revoked")
    _show([each.row for each in revoked], output)


@app.command("list")
def list_issued(authority: AuthorityOption = _AUTHORITY, output: FormatOption = Format.TABLE) -> None:
    """At the authority: what it has signed, and what became of it."""
    with needing("worker"):
        from synergos.pki.authority import Authority
    _show([each.row for each in Authority.in_folder(authority).issued], output)


def _hand_out(issued: Issued, path: Path, output: Format) -> None:
    with needing("worker"):
        from synergos.pki import pem
    pem.write(path, issued.certificate.encode())
    say(f"{path} is for {issued.name} to put beside its key (--tls_cert)")
    _show([issued.row], output)


def _show(rows: Sequence[dict[str, object]], output: Format) -> None:
    columns = (*_COLUMNS, "authority", "key", "request")
    print_rows("", [name for name in columns if any(name in row for row in rows)], rows, output)
