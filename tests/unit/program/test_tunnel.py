"""Which proxy the environment names for an address, and how one is written."""

from __future__ import annotations

import pytest

from synergos.errors import InvalidRequest
from synergos.program.tunnel import Proxy, proxy_of


def test_credentials_are_part_of_how_a_proxy_is_written_and_of_nothing_that_is_shown() -> None:
    proxy = Proxy.read("http://user:p%40ss@proxy.example:3128")

    assert proxy == Proxy("proxy.example", 3128, "user:p@ss")
    assert "p@ss" not in f"{proxy} {proxy!r}"


@pytest.mark.parametrize("text", ["proxy:3128", "http://proxy:3128/"])
def test_the_scheme_may_be_left_out(text: str) -> None:
    assert Proxy.read(text) == Proxy("proxy", 3128)


@pytest.mark.parametrize(
    "text", ["", "socks5://proxy:1", "http://", "http://proxy:port", "https://proxy:1", "http://a/b"]
)
def test_what_is_no_proxy_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^expected a proxy as"):
        Proxy.read(text)


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://a:1"}, "a:1"),
        ({"https_proxy": "http://b:1", "HTTPS_PROXY": "http://a:1"}, "b:1"),
        ({"ALL_PROXY": "http://c:1"}, "c:1"),
        ({"HTTP_PROXY": "http://a:1"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "fl.example.org"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "x, .example.org"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*.example.org"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "fl.example.org:5010"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "fl.example.org:80"}, "a:1"),
        ({"HTTPS_PROXY": "http://a:1", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "ample.org,"}, "a:1"),
    ],
)
def test_the_environment_names_a_proxy_and_exceptions(environment: dict[str, str], found: str | None) -> None:
    proxy = proxy_of(environment, "fl.example.org", 5010)

    assert (None if proxy is None else str(proxy)) == found


def test_a_variable_that_names_no_proxy_is_named() -> None:
    with pytest.raises(InvalidRequest, match="HTTPS_PROXY"):
        proxy_of({"HTTPS_PROXY": "socks5://a:1"}, "b", 1)
