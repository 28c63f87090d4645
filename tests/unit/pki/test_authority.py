"""An authority signs what it is asked for and nothing else, writes it down, and takes it back."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from synergos.errors import Conflict, InvalidRequest
from synergos.pki import pem
from synergos.pki.authority import KEY, Authority
from synergos.pki.issued import FILE, Issued
from synergos.pki.names import Names, Use
from synergos.pki.revocation_list import Reason
from synergos.pki.site import make_request

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.founded(tmp_path / "authority", "Hospitals", now=lambda: NOW)


def requested(folder: Path, name: str = "ttp", hosts: tuple[str, ...] = ("ttp.example.org", "10.0.0.1")) -> Any:
    return pem.request(make_request(folder, Names.checked(name, hosts))[1])


def certificate_of(issued: Issued) -> x509.Certificate:
    return x509.load_pem_x509_certificate(issued.certificate.encode())


def listed_in(authority: Authority) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl(authority.believed.read_bytes())


def test_a_certificate_has_the_names_and_the_uses_of_its_request_and_its_key(
    authority: Authority, tmp_path: Path
) -> None:
    request = requested(tmp_path / "site")

    found = certificate_of(authority.issue(request, 30))

    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.public_key() == request.public_key()
    assert [each.value for each in names] == ["ttp.example.org", ip_address("10.0.0.1")]
    assert set(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    assert (found.not_valid_before_utc, found.not_valid_after_utc) == (
        NOW - timedelta(hours=1),
        NOW + timedelta(days=30),
    )


def test_a_certificate_can_sign_no_other(authority: Authority, tmp_path: Path) -> None:
    extensions = certificate_of(authority.issue(requested(tmp_path / "site"))).extensions

    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert (usage.critical, usage.value.digital_signature, usage.value.key_cert_sign, usage.value.crl_sign) == (
        True,
        True,
        False,
        False,
    )


def test_keys_are_their_owners_alone_and_the_rest_is_for_everybody(authority: Authority, tmp_path: Path) -> None:
    key, request, _ = make_request(tmp_path / "site", Names.checked("ttp", ["a"]))

    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (key, request, authority.believed, authority.folder / KEY)
    }
    assert modes == {"ttp.key": 0o600, "ttp.csr": 0o644, "ca.pem": 0o644, "authority.key": 0o600}
    assert b"PRIVATE" not in request.read_bytes() + authority.believed.read_bytes()


def test_a_site_that_asks_again_keeps_its_key(tmp_path: Path) -> None:
    first = make_request(tmp_path, Names.checked("ttp", ["a"]))
    second = make_request(tmp_path, Names.checked("ttp", ["a", "b"]))

    assert first[2] == second[2]


def test_a_key_that_others_may_read_is_not_used_again(tmp_path: Path) -> None:
    key, *_ = make_request(tmp_path, Names.checked("ttp", ["a"]))
    key.chmod(0o644)

    with pytest.raises(Conflict, match="may be read by others than its owner: expected mode 0600"):
        make_request(tmp_path, Names.checked("ttp", ["a"]))


def test_what_is_signed_is_written_down(authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue(requested(tmp_path / "site"), 30)

    assert list(Authority.in_folder(authority.folder).issued) == [issued]
    assert int(issued.serial, 16) == certificate_of(issued).serial_number
    assert (authority.folder / FILE).stat().st_mode & 0o777 == 0o600


def test_a_renewed_certificate_is_for_the_same_name_hosts_and_key(authority: Authority, tmp_path: Path) -> None:
    first = authority.issue(requested(tmp_path / "site"), 30)

    second = authority.renew("ttp", 60)

    assert second.serial != first.serial
    assert (second.name, second.hosts, second.uses, second.key) == (first.name, first.hosts, first.uses, first.key)
    assert datetime.fromisoformat(second.ends) == NOW + timedelta(days=60)


def test_nobody_gets_a_certificate_of_anothers_name(authority: Authority, tmp_path: Path) -> None:
    authority.issue(requested(tmp_path / "one"))

    with pytest.raises(Conflict, match=r"^ttp has a certificate with another key, [0-9a-f]+: revoke that"):
        authority.issue(requested(tmp_path / "two"))

    assert authority.issue(requested(tmp_path / "two"), replaces=True).name == "ttp"


def test_nobody_gets_a_certificate_of_anothers_host_unless_it_is_said(authority: Authority, tmp_path: Path) -> None:
    authority.issue(requested(tmp_path / "ttp"))
    other = requested(tmp_path / "other", "hospital_2", ("TTP.example.org.", "hospital.example.org"))

    with pytest.raises(Conflict, match=r"^ttp\.example\.org is ttp's by a certificate that holds: .*\(--host ttp\."):
        authority.issue(other)

    assert [each.name for each in authority.issued] == ["ttp"]
    assert authority.issue(other, hosts=["ttp.Example.org"]).hosts == ("ttp.example.org", "hospital.example.org")
    assert authority.renew("hospital_2").name == "hospital_2", "what was granted stays so"


def test_a_name_gets_no_more_hosts_than_it_had_unless_it_is_said(authority: Authority, tmp_path: Path) -> None:
    authority.issue(requested(tmp_path, hosts=("a.example", "b.example")))
    more = requested(tmp_path, hosts=("a.example", "c.example"))

    with pytest.raises(
        Conflict, match=r"^ttp has no certificate for c\.example yet, but for a\.example, b\.example: say"
    ):
        authority.issue(more)

    assert authority.issue(requested(tmp_path, hosts=("a.example",))).hosts == ("a.example",)
    assert authority.issue(more, hosts=["c.example"]).hosts == ("a.example", "c.example")


def test_a_host_that_nobody_has_asked_for_is_not_granted(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"^host: other\.example is none of those that are asked for"):
        authority.issue(requested(tmp_path), hosts=["other.example"])


def test_a_host_is_free_again_when_its_certificate_was_revoked_or_is_over(authority: Authority, tmp_path: Path) -> None:
    authority.issue(requested(tmp_path / "one", "one"), 10)
    later = Authority.in_folder(authority.folder, now=lambda: NOW + timedelta(days=11))
    later.issue(requested(tmp_path / "two", "two"), 10)
    with pytest.raises(Conflict, match=r"^ttp\.example\.org is two's"):
        later.renew("one")
    later.revoke("two")

    assert later.renew("one").name == "one"


def test_loopback_is_nobodys(authority: Authority, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert authority.issue(requested(tmp_path / name, name, ("127.0.0.1", "::1", "localhost"))).name == name


def test_a_name_is_free_again_when_its_certificate_was_revoked_or_is_over(authority: Authority, tmp_path: Path) -> None:
    authority.issue(requested(tmp_path / "one"), 10)
    later = Authority.in_folder(authority.folder, now=lambda: NOW + timedelta(days=11))
    later.issue(requested(tmp_path / "two"), 10)
    later.revoke("ttp")

    assert later.issue(requested(tmp_path / "three")).name == "ttp"


def test_what_was_revoked_is_in_the_list_that_everybody_is_given(authority: Authority, tmp_path: Path) -> None:
    one, two = (authority.issue(requested(tmp_path / name, name, (name,)), 3000) for name in ("one", "two"))

    authority.revoke("one", Reason.KEY_COMPROMISE)

    listed = listed_in(authority)
    assert [each.serial_number for each in listed] == [int(one.serial, 16)]
    assert next(iter(listed)).extensions[0].value == x509.CRLReason(x509.ReasonFlags.key_compromise)
    assert [each.holds(NOW) for each in authority.issued] == [False, True]
    assert authority.revoke(two.serial)[0].name == "two"
    assert len(listed_in(authority)) == 2


@pytest.fixture
def interrupted(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that was stopped after it had written down that ``one`` is revoked, and before anybody was told."""
    for name in ("one", "two"):
        authority.issue(requested(tmp_path / name, name, (name,)), 3000)

    def stopped(_self: Authority) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Authority, "_publish", stopped)
        with pytest.raises(KeyboardInterrupt):
            authority.revoke("one", Reason.KEY_COMPROMISE)
    return authority


@pytest.mark.parametrize("again", ["one", "two"])
def test_what_was_stopped_while_it_revoked_is_done_with_the_next_word(interrupted: Authority, again: str) -> None:
    one = interrupted.issued.of("one")[0]
    assert len(listed_in(interrupted)) == 0

    revoked = interrupted.revoke(again)

    assert [each.name for each in revoked] == [again]
    assert int(one.serial, 16) in {each.serial_number for each in listed_in(interrupted)}
    assert interrupted.issued.of("one") == [one], "the reason is the first that was given"


def test_what_is_signed_next_tells_of_what_was_stopped_before(interrupted: Authority, tmp_path: Path) -> None:
    interrupted.issue(requested(tmp_path / "three", "three", ("three",)))

    assert len(listed_in(interrupted)) == 1


@pytest.mark.parametrize("end", ['{"serial": "5", "na', '{"serial": "5'], ids=["a key", "a value"])
def test_a_last_line_that_was_not_written_to_its_end_is_left_out_and_said(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    first = authority.issue(requested(tmp_path))
    with (authority.folder / FILE).open("a") as file:
        file.write(end)

    assert list(authority.issued) == [first]
    assert "was not written to its end and is left out" in caplog.text
    second = authority.renew("ttp")
    assert list(authority.issued) == [first, second]


def test_what_is_written_down_begins_on_a_new_line(authority: Authority, tmp_path: Path) -> None:
    first = authority.issue(requested(tmp_path))
    book = authority.folder / FILE
    book.write_text(book.read_text().rstrip("\n"))

    second = authority.renew("ttp")

    assert list(authority.issued) == [first, second]


def test_a_list_is_there_from_the_beginning_and_lasts_as_long_as_its_authority(authority: Authority) -> None:
    listed = listed_in(authority)

    assert len(listed) == 0
    assert listed.next_update_utc == authority.certificate.not_valid_after_utc


def test_a_revoked_certificate_is_not_renewed(authority: Authority, tmp_path: Path) -> None:
    authority.issue(requested(tmp_path / "site"))
    authority.revoke("ttp")

    with pytest.raises(InvalidRequest, match="there is no certificate of 'ttp' to renew"):
        authority.renew("ttp")


def test_who_is_not_known_is_not_revoked_and_who_is_gets_named(authority: Authority, tmp_path: Path) -> None:
    authority.issue(requested(tmp_path / "site"), 3000)

    with pytest.raises(InvalidRequest, match=r"has the name or serial number 'worker_1'; there is ttp$"):
        authority.revoke("worker_1")


def test_no_certificate_outlives_its_authority(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"the authority itself ends on 2036-02-27"):
        authority.issue(requested(tmp_path / "site"), 3700)


def test_a_second_authority_does_not_take_the_place_of_the_first(authority: Authority) -> None:
    before = authority.believed.read_bytes()

    with pytest.raises(Conflict, match="there is an authority in"):
        Authority.founded(authority.folder, "Others")

    assert authority.believed.read_bytes() == before


def test_a_key_of_another_authority_is_told(authority: Authority, tmp_path: Path) -> None:
    other = Authority.founded(tmp_path / "other", "Others")
    (authority.folder / KEY).write_bytes((other.folder / KEY).read_bytes())

    with pytest.raises(InvalidRequest, match="is not of the authority whose key is in"):
        Authority.in_folder(authority.folder)


def test_a_damaged_record_is_named_by_its_line(authority: Authority, tmp_path: Path) -> None:
    authority.issue(requested(tmp_path / "site"))
    with (authority.folder / FILE).open("a") as file:
        file.write('{"serial": 5}\n')

    with pytest.raises(Conflict, match=r"line 2 of .*issued\.jsonl is damaged"):
        list(authority.issued)


def odd_request(subject: list[tuple[Any, str]], *extensions: x509.ExtensionType, key: Any = None) -> Any:
    builder = x509.CertificateSigningRequestBuilder(
        x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())


TTP = [(NameOID.COMMON_NAME, "ttp")]


@pytest.mark.parametrize(
    ("subject", "extensions", "complaint"),
    [
        ([(NameOID.COUNTRY_NAME, "DE")], [], r"expected one common name \(CN\)"),
        ([(NameOID.COMMON_NAME, "../x")], [], "is no name: expected 1 to 64 letters"),
        (TTP, [], "expected the names and addresses by which others connect"),
        (TTP, [x509.SubjectAlternativeName([x509.RFC822Name("a@b.example")])], "asks for a RFC822Name"),
        (
            TTP,
            [x509.SubjectAlternativeName([x509.DNSName("*.example.org")])],
            r"is no host: expected a name or an address",
        ),
        (
            TTP,
            [
                x509.SubjectAlternativeName([x509.DNSName("a")]),
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),
            ],
            r"asks for another use, 1\.3\.6\.1\.5\.5\.7\.3\.3: expected server, client or both",
        ),
    ],
    ids=["no name", "a path", "no host", "mail", "wildcard", "code"],
)
def test_who_asks_for_more_than_there_is_gets_nothing(
    authority: Authority, subject: Any, extensions: Any, complaint: str
) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        authority.issue(odd_request(subject, *extensions))

    assert list(authority.issued) == []


def test_who_asks_to_be_an_authority_is_none(authority: Authority) -> None:
    hosts = x509.SubjectAlternativeName([x509.DNSName("a")])
    asked = odd_request(TTP, hosts, x509.BasicConstraints(ca=True, path_length=None))

    found = certificate_of(authority.issue(asked))

    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_a_weak_key_or_a_request_that_another_has_signed_is_no_request(tmp_path: Path) -> None:
    hosts = x509.SubjectAlternativeName([x509.DNSName("a")])
    weak = odd_request(TTP, hosts, key=rsa.generate_private_key(65537, 1024))
    (tmp_path / "weak.csr").write_bytes(weak.public_bytes(serialization.Encoding.PEM))
    altered = bytearray(odd_request(TTP, hosts).public_bytes(serialization.Encoding.DER))
    altered[-1] ^= 1
    (tmp_path / "altered.csr").write_text(
        ssl.DER_cert_to_PEM_cert(bytes(altered)).replace("CERTIFICATE", "CERTIFICATE REQUEST")
    )

    for name in ("weak.csr", "altered.csr"):
        with pytest.raises(InvalidRequest, match="is no request to be signed"):
            pem.request(tmp_path / name)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("TTP.Example.org.", "ttp.example.org"),
        ("[::1]", "::1"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("krankenhaus-köln.example", "xn--krankenhaus-kln-ltb.example"),
    ],
)
def test_hosts_are_kept_as_certificates_have_them(given: str, kept: str) -> None:
    assert Names.checked("x", [given]).hosts == (kept,)


@pytest.mark.parametrize("host", ["", "10.0.0.1:5000", "http://a", "a b", "1.2.3", "-a.example", "a" * 300, "a..b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^host: .* is no host"):
        Names.checked("x", [host])


def test_who_only_connects_needs_no_host(authority: Authority, tmp_path: Path) -> None:
    request = pem.request(make_request(tmp_path, Names.checked("prometheus", [], (Use.CLIENT,)))[1])

    assert authority.issue(request).uses == ("client",)


@pytest.mark.parametrize(
    ("name", "file"),
    [("Hospitals  of the North", "749e264e.r0"), ("Spitäler Ö ß", "a90da4c7.r0"), ("x" * 64, "37cd716f.r0")],
)
def test_the_list_alone_has_the_name_that_openssl_and_rabbitmq_look_for(tmp_path: Path, name: str, file: str) -> None:
    """As ``openssl x509 -hash`` and Erlang's ``public_key:short_name_hash`` say it."""
    authority = Authority.founded(tmp_path / "authority", name, now=lambda: NOW)

    assert authority.listed == tmp_path / "authority" / file


def test_the_list_alone_is_the_one_that_everybody_is_given(authority: Authority, tmp_path: Path) -> None:
    authority.issue(requested(tmp_path / "site"))
    authority.revoke("ttp")
    alone = authority.listed.read_bytes()

    assert alone.startswith(b"-----BEGIN X509 CRL-----")
    assert authority.believed.read_bytes().endswith(alone)
    authority.listed.unlink()
    authority.complete()
    assert authority.believed.read_bytes().endswith(authority.listed.read_bytes())
