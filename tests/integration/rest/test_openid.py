"""People of two sites sign in at an orchestrator by their own sites' providers, which are real ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fakes.orchestration import CONNECT, CannedDispatcher, Client
from fakes.people import add_people, basic
from servers.openid_provider import OpenIdProvider, is_there, openid_provider
from synergos.accounts.flags import Auth
from synergos.accounts.openid.issuer import read_issuers
from synergos.accounts.openid.keys import LARGEST, fetched
from synergos.errors import IssuerAway
from synergos.orchestration.access import Access
from synergos.records import RecordStore
from synergos.rest import create_app

HERE = "urn:synergos:consortium"
FILE = """
[[issuer]]
name = "{site}"
issuer = "{issuer}"
audience = "urn:synergos:consortium"

[[issuer.rule]]
claim = "groups"
value = "leads"
role = "orchestrator"

[[issuer.rule]]
claim = "groups"
value = "stewards"
role = "participant"
participant = "{site}"
"""


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OpenIdProvider, OpenIdProvider]]:
    if not is_there():
        pytest.skip("there is no OpenID provider here: tests/run.sh installs one where node and npm are")
    folder = tmp_path_factory.mktemp("providers")
    with (
        openid_provider("hospital_1", {"groups": ["stewards"]}, folder) as first,
        openid_provider("hospital_2", {"groups": ["doctors"]}, folder) as second,
    ):
        yield first, second


def client(
    store: RecordStore, dispatcher: CannedDispatcher, folder: Path, *sites: OpenIdProvider
) -> tuple[Client, Client, Client]:
    """The orchestrator as a lead with an account asks it, and as each site's own client does."""
    file = folder / "issuers.toml"
    file.write_text("".join(FILE.format(site=site.site, issuer=site.issuer) for site in sites))
    auth = Auth(is_on=True, issuers=read_issuers(file))
    add_people(store, "lead")
    app = create_app(
        store, dispatcher, component_id="ttp/1", sign_in=auth.sign_in(store), access=Access(store, auth.bound)
    )
    clients = []
    for authorization in (basic("lead"), *(f"Bearer {site.token(HERE)}" for site in sites)):
        http = app.test_client()
        http.environ_base["HTTP_AUTHORIZATION"] = authorization
        clients.append(Client(http))
    lead, first, second = clients
    return lead, first, second


def test_each_site_vouches_for_its_own_people_and_for_nobody_elses(
    store: RecordStore, dispatcher: CannedDispatcher, tmp_path: Path, sites: tuple[OpenIdProvider, OpenIdProvider]
) -> None:
    lead, first, second = client(store, dispatcher, tmp_path, *sites)

    who = first.data("GET", "/ttp/account")
    assert (who["name"], who["role"], who["participant_id"]) == ("hospital_1/hospital_1", "participant", "hospital_1")
    status, answer = second.get("/ttp/account")
    assert (status, "no rule of --auth_issuers" in answer["message"]) == (403, True)

    first.data("POST", f"{CONNECT}/participants", {"id": "hospital_1"})
    assert first.post(f"{CONNECT}/participants", {"id": "hospital_2"})[0] == 403
    # Who signs in by an issuer has an account of its own, also before it has ever come.
    status, answer = lead.post(f"{CONNECT}/participants", {"id": "hospital_2"})
    assert (status, "has an account of its own" in answer["message"]) == (403, True)


def test_a_token_for_somebody_else_is_nobodys(
    store: RecordStore, dispatcher: CannedDispatcher, tmp_path: Path, sites: tuple[OpenIdProvider, OpenIdProvider]
) -> None:
    lead, *_ = client(store, dispatcher, tmp_path, *sites)
    token = sites[0].token("urn:another:service")

    answer = lead.http.get("/ttp/account", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401


# What an issuer answers


@pytest.fixture
def issuer() -> Iterator[str]:
    ends = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            if name == "dripping-head":
                self.drip(b"HTTP/1.1 200 OK\r\nX-More: ")
                return
            self.send_response(302 if name == "elsewhere" else 200)
            if name == "elsewhere":
                self.send_header("Location", "/sound")
            self.end_headers()
            if name == "dripping":
                self.drip(b'{"keys": []}')
                return
            content = {"large": b" " * (LARGEST + 1), "sound": b'{"keys": []}', "deep": b"[" * 100_000}.get(
                name, b"<html>"
            )
            self.wfile.write(content)

        def drip(self, first: bytes) -> None:
            """A byte at a time, until nobody takes it."""
            self.wfile.write(first)
            with suppress(OSError):
                while not ends.wait(0.05):
                    self.wfile.write(b" ")

        def log_message(self, *args: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    ends.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_keys_are_read_from_an_issuer_that_answers(issuer: str) -> None:
    assert fetched(f"{issuer}/sound", None) == {"keys": []}


@pytest.mark.parametrize("path", ["large", "elsewhere", "page", "deep"])
def test_what_is_too_large_or_elsewhere_or_no_json_is_refused(issuer: str, path: str) -> None:
    with pytest.raises(IssuerAway):
        fetched(f"{issuer}/{path}", None)


@pytest.mark.parametrize("path", ["dripping", "dripping-head"])
def test_an_issuer_that_never_comes_to_an_end_is_not_waited_for(issuer: str, path: str) -> None:
    failed: list[IssuerAway] = []

    def fetch() -> None:
        try:
            fetched(f"{issuer}/{path}", None, 0.5)
        except IssuerAway as error:
            failed.append(error)

    fetching = threading.Thread(target=fetch, daemon=True)
    fetching.start()
    fetching.join(100)

    assert len(failed) == 1


def test_an_issuer_that_is_not_there_is_away() -> None:
    with pytest.raises(IssuerAway, match="cannot be reached"):
        fetched("http://127.0.0.1:1/keys", None)
