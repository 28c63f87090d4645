"""Which collector spans go to is told by flag, and refused at once where it makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from synergos.errors import InvalidRequest
from synergos.tracing import OFF, TraceTarget


def say(_event: str, _facts: dict[str, object]) -> None:
    """Nothing is said."""


@pytest.mark.parametrize("text", ["off", ""])
def test_nobody_is_told_unless_a_collector_is_named(text: str) -> None:
    target = TraceTarget.read(text)
    target.check()

    assert target.tracer("ttp", "ttp_0", say) is OFF


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://localhost", "https://localhost/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ("http://127.0.0.1:4318/otlp/traces", "http://127.0.0.1:4318/otlp/traces"),
    ],
)
def test_a_collector_s_usual_path_is_known(text: str, url: str) -> None:
    assert TraceTarget.read(text).url == url


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "127.0.0.1:4318",
        "localhost",
        "grpc://localhost:4317",
        "http://",
        "http://:4318",
        "http://localhost:0",
        "http://localhost:65536",
        "http://localhost:port",
        "http://[::1:4318",
        "http://localhost:4318/?token=1",
        "http://localhost:4318/#here",
        "http://user:password@localhost:4318",
    ],
)
def test_what_names_no_collector_is_refused_by_the_flag_s_name(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^--tracing: ") as refused:
        TraceTarget.read(text)

    assert "expected" in str(refused.value)
    assert "password" not in str(refused.value)


def test_a_host_without_an_address_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"--tracing: the host 'nowhere\.invalid' has no address"):
        TraceTarget.read("http://nowhere.invalid:4318").check()


def test_a_file_that_is_no_authority_s_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")

    with pytest.raises(InvalidRequest, match=r"--tracing_ca: .*cannot be read"):
        TraceTarget.read("https://localhost:4318", tmp_path / "missing.pem").check()
    with pytest.raises(InvalidRequest, match=r"--tracing_ca: .*no certificates"):
        TraceTarget.read("https://localhost:4318", tmp_path / "empty.pem").check()


@pytest.mark.parametrize("text", ["off", "http://localhost:4318"])
def test_an_authority_without_effect_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"--tracing_ca: has no effect"):
        TraceTarget.read(text, tmp_path / "authority.pem").check()
