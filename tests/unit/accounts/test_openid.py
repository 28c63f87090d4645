"""People whom another organisation vouches for: its tokens are verified, always, and its keys fetched within bounds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from fakes.people import add_people
from synergos.accounts.openid.issuer import Issuer, Rule, read_issuers
from synergos.accounts.openid.issuers import OpenIdIssuers
from synergos.accounts.openid.keys import FRESH_SECONDS, KEPT_SECONDS, RETRY_SECONDS, Keys
from synergos.accounts.sign_in import SignIn
from synergos.domain.roles import Role
from synergos.errors import InvalidRequest, IssuerAway, NotPermitted, NotSignedIn
from synergos.records import RecordStore

HERE = "urn:synergos"
KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


def jwk(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, key_id: str, **more: str) -> dict[str, Any]:
    public = key.public_key()
    found = (
        RSAAlgorithm.to_jwk(public, as_dict=True)
        if isinstance(public, rsa.RSAPublicKey)
        else ECAlgorithm.to_jwk(public, as_dict=True)
    )
    return {**found, "kid": key_id, **more}


def issuer(name: str, **more: Any) -> Issuer:
    rules = [
        Rule(role="orchestrator", claim="groups", value="leads"),
        Rule(role="participant", participant=name, claim="groups", value="stewards"),
        Rule(role="viewer", claim="is_guest", value=True),
    ]
    return Issuer(**{"name": name, "issuer": f"https://{name}.example", "audience": HERE, "rule": rules, **more})


SITES = (issuer("site_1"), issuer("site_2"))


@dataclass
class Web:
    """What the issuers answer with, and how often they were asked."""

    documents: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        for site, key in zip(SITES, (KEY, OTHER_KEY), strict=True):
            keys = f"{site.issuer}/keys"
            about = {"issuer": site.issuer, "jwks_uri": keys}
            self.documents[f"{site.issuer}/.well-known/openid-configuration"] = about
            self.documents[keys] = {"keys": [jwk(key, "1")]}

    def __call__(self, url: str, ca: str | None, /) -> Any:
        self.asked.append(url)
        if url not in self.documents:
            raise IssuerAway(f"{url} cannot be reached")
        return self.documents[url]

    def keys(self, of: Issuer) -> Keys:
        return Keys(of, self, lambda: self.now)


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def issuers(web: Web) -> OpenIdIssuers:
    return OpenIdIssuers(SITES, web.keys)


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": SITES[0].issuer, "aud": HERE, "sub": "ana", "iat": now, "exp": now + 300, "groups": ["stewards"]}
    return {name: value for name, value in {**said, **more}.items() if value is not None}


def token(key: Any = KEY, algorithm: str = "RS256", header: Mapping[str, Any] | None = None, **said: Any) -> str:
    return jwt.encode(claims(**said), key, algorithm, {"kid": "1", **(header or {})})


def test_a_token_shows_who_it_is_of_and_what_that_is_here(issuers: OpenIdIssuers) -> None:
    found = issuers.signed_in(token())

    assert found is not None
    assert (found.name, found.role, found.participant) == ("site_1/ana", Role.PARTICIPANT, "site_1")
    assert found.until is not None


@pytest.mark.parametrize(
    ("said", "role"),
    [({"groups": ["x", "leads"]}, Role.ORCHESTRATOR), ({"groups": "leads"}, Role.ORCHESTRATOR),
     ({"groups": [], "is_guest": True}, Role.VIEWER)],
)  # fmt: skip
def test_the_first_rule_that_holds_says_the_role(issuers: OpenIdIssuers, said: dict[str, Any], role: Role) -> None:
    found = issuers.signed_in(token(**said))

    assert found is not None
    assert found.role is role


@pytest.mark.parametrize(
    "said", [{"groups": None}, {"groups": ["others"]}, {"groups": [], "is_guest": 1}, {"groups": {"leads": 1}}]
)
def test_whom_no_rule_holds_for_is_nobody(issuers: OpenIdIssuers, said: dict[str, Any]) -> None:
    with pytest.raises(NotPermitted, match="no rule"):
        issuers.signed_in(token(**said))


def test_two_sites_are_told_apart_though_their_keys_are_called_the_same(issuers: OpenIdIssuers) -> None:
    second = issuers.signed_in(token(OTHER_KEY, iss=SITES[1].issuer))

    assert second is not None
    assert second.participant == "site_2"
    assert issuers.signed_in(token(KEY, iss=SITES[1].issuer)) is None
    assert issuers.signed_in(token(OTHER_KEY)) is None


def unsigned(**said: Any) -> str:
    return jwt.encode(claims(**said), "", "none", {"kid": "1"})


def signed_with_the_public_key() -> str:
    """The oldest trick: the public key, which everybody knows, taken for a secret."""
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    head = part(json.dumps({"alg": "HS256", "kid": "1"}).encode())
    body = part(json.dumps(claims()).encode())
    return f"{head}.{body}.{part(hmac.digest(public, f'{head}.{body}'.encode(), hashlib.sha256))}"


BAD: dict[str, Callable[[], str]] = {
    "no token": lambda: "x",
    "three parts of nothing": lambda: "a.b.c",
    "unsigned": unsigned,
    "signed with the public key": signed_with_the_public_key,
    "signed by another's key": lambda: token(OTHER_KEY),
    "by an algorithm that is not pinned": lambda: token(algorithm="RS512"),
    "by a curve where a key of RSA is": lambda: token(CURVE, "ES256"),
    "for somebody else": lambda: token(aud="urn:else"),
    "for nobody": lambda: token(aud=None),
    "of an issuer that nobody named": lambda: token(iss="https://evil.example"),
    "of an issuer but for a slash": lambda: token(iss=f"{SITES[0].issuer}/"),
    "of no issuer": lambda: token(iss=None),
    "over": lambda: token(exp=int(time.time()) - 60),
    "without an end": lambda: token(exp=None),
    "not yet": lambda: token(nbf=int(time.time()) + 600),
    "of nobody": lambda: token(sub=None),
    "of a long name": lambda: token(sub="x" * 256),
    "of a name with a line break": lambda: token(sub="a\nb"),
    "of a key that is not there": lambda: token(header={"kid": "2"}),
    "with a letter more": lambda: f"{token()}x",
    "of another kind": lambda: token(header={"typ": "logout+jwt"}),
    "with a signature of another": lambda: ".".join([*token(sub="eve").split(".")[:2], token().split(".")[2]]),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_token_of_theirs_is_nobodys(issuers: OpenIdIssuers, bad: str) -> None:
    assert issuers.signed_in(BAD[bad]()) is None


def test_a_token_without_an_end_in_sight_counts(issuers: OpenIdIssuers) -> None:
    found = issuers.signed_in(token(exp=10**30))

    assert found is not None
    assert found.until is None


def test_a_clock_may_differ_a_little(issuers: OpenIdIssuers) -> None:
    assert issuers.signed_in(token(exp=int(time.time()) - 10)) is not None


def test_keys_are_fetched_once_and_again_after_a_while(web: Web, issuers: OpenIdIssuers) -> None:
    for _ in range(3):
        issuers.signed_in(token())
    assert len(web.asked) == 2

    web.now += FRESH_SECONDS
    issuers.signed_in(token())
    assert len(web.asked) == 4


def test_a_new_key_is_looked_for_and_unknown_ones_do_not_have_it_looked_for_each_time(
    web: Web, issuers: OpenIdIssuers
) -> None:
    issuers.signed_in(token())
    web.documents[f"{SITES[0].issuer}/keys"] = {"keys": [jwk(OTHER_KEY, "2")]}
    renewed = token(OTHER_KEY, header={"kid": "2"})

    assert issuers.signed_in(renewed) is None
    web.now += RETRY_SECONDS
    assert issuers.signed_in(renewed) is not None
    assert issuers.signed_in(token()) is None
    asked = len(web.asked)
    for number in range(100):
        issuers.signed_in(token(header={"kid": f"made up {number}"}))
    assert len(web.asked) == asked


def test_an_issuer_that_is_away_is_believed_for_a_day_by_what_is_known(web: Web, issuers: OpenIdIssuers) -> None:
    issuers.signed_in(token())
    web.documents.clear()

    web.now += KEPT_SECONDS - 1
    assert issuers.signed_in(token()) is not None
    web.now += 2
    with pytest.raises(IssuerAway):
        issuers.signed_in(token())


def test_whoever_comes_while_another_fetches_is_not_kept_waiting(web: Web) -> None:
    keys = web.keys(SITES[0])
    keys._fetching.acquire()

    with pytest.raises(IssuerAway):
        keys.get("1")


@pytest.mark.parametrize(
    "document",
    [None, [], {"keys": {}}, {"keys": []}, {"keys": [None, 5, {"kty": "oct", "k": "c2VjcmV0", "kid": "1"}]},
     {"keys": [{"kty": "RSA", "n": "x"}]}, {"keys": [jwk(KEY, "1", use="enc")]}],
)  # fmt: skip
def test_what_are_no_keys_is_refused(web: Web, issuers: OpenIdIssuers, document: object) -> None:
    web.documents[f"{SITES[0].issuer}/keys"] = document

    with pytest.raises(IssuerAway):
        issuers.signed_in(token())


@pytest.mark.parametrize(
    "about",
    [{"issuer": "https://evil.example", "jwks_uri": "https://evil.example/keys"}, {"issuer": SITES[0].issuer}, "x",
     {"issuer": SITES[0].issuer, "jwks_uri": "http://10.0.0.1/keys"}, {"issuer": SITES[0].issuer, "jwks_uri": "file:///etc/passwd"}],
)  # fmt: skip
def test_an_issuer_that_says_its_keys_are_elsewhere_than_by_https_is_not_believed(
    web: Web, issuers: OpenIdIssuers, about: object
) -> None:
    web.documents[f"{SITES[0].issuer}/.well-known/openid-configuration"] = about
    web.documents["http://10.0.0.1/keys"] = {"keys": [jwk(KEY, "1")]}

    with pytest.raises(IssuerAway):
        issuers.signed_in(token())
    assert all(url.startswith("https://site_1.example/") for url in web.asked)


def test_people_sign_in_so_beside_accounts_and_have_no_token_given(store: RecordStore, issuers: OpenIdIssuers) -> None:
    sign_in = SignIn(add_people(store, "lead"), issuers=issuers)

    who = sign_in.who(f"Bearer {token()}", "10.0.0.1")
    assert who.name == "site_1/ana"
    with pytest.raises(NotPermitted):
        sign_in.new_token(who, timedelta(hours=1), "")
    with pytest.raises(NotSignedIn):
        sign_in.who(f"Bearer {unsigned()}", "10.0.0.1")


# The file

SOUND = """
[[issuer]]
name = "site_1"
issuer = "https://site_1.example"
audience = "urn:synergos"
algorithms = ["ES256", "RS256"]

[[issuer.rule]]
claim = "groups"
value = "stewards"
role = "participant"
participant = "hospital_1"
"""


def read(tmp_path: Path, text: str) -> tuple[Issuer, ...]:
    file = tmp_path / "issuers.toml"
    file.write_text(text)
    return read_issuers(file)


def test_the_file_says_who_vouches_and_what_that_means(tmp_path: Path) -> None:
    [found] = read(tmp_path, SOUND)

    assert (found.name, list(found.algorithms), found.rule[0].participant) == (
        "site_1",
        ["ES256", "RS256"],
        "hospital_1",
    )


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("https://site_1.example", "http://site_1.example", "issuer"),
        ("https://site_1.example", "https://", "issuer"),
        ('"ES256", "RS256"', '"none"', "algorithms"),
        ('"ES256", "RS256"', '"HS256"', "algorithms"),
        ('"ES256", "RS256"', "", "algorithms"),
        ('role = "participant"', 'role = "owner"', "role"),
        ('participant = "hospital_1"', "", "participant"),
        ('role = "participant"', 'role = "viewer"', "participant"),
        ('value = "stewards"', "", "claim"),
        ('audience = "urn:synergos"', "", "audience"),
        ('audience = "urn:synergos"', 'audience = "x"\nverify = false', "verify"),
        ('name = "site_1"', 'name = "../x"', "name"),
        ('name = "site_1"', 'name = "site_1"\nca = "/none"', "ca"),
        ("[[issuer.rule]]", "[[issuer.rules]]", "rule"),
        (SOUND, "", "issuer"),
        (SOUND, "x =", "TOML"),
        (SOUND, SOUND + SOUND, "issuer[1]"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_its_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(tmp_path, SOUND.replace(old, new))

    assert field in str(caught.value)
