"""What a censored log says instead of paths, hosts, ports, addresses and URLs: pseudonyms that stay the same.

Two nodes stay two. A pseudonym is made with a secret, so that nobody can try out which address it stands for: of the program's own
unless ``SYNERGOS_CENSOR_KEY`` gives several programs the same one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from typing import Any

from structlog.typing import EventDict

_HOSTS = frozenset(
    {"address", "allow_hosts", "allow_mlops", "allow_nodes", "host", "hostname", "logging_host", "node", "queue_host"}
)
_PORTS = frozenset({"data_port", "f_port", "logging_metrics_port", "logging_port", "port", "ports", "queue_port"})
_PLACES = frozenset(
    {
        "auth_issuers",
        "data",
        "database_ca",
        "database_password_file",
        "digest_key",
        "file",
        "files",
        "folder",
        "folders",
        "identity",
        "logging_ca",
        "mlflow",
        "mlops_ca",
        "mlops_password_file",
        "outputs",
        "path",
        "paths",
        "place",
        "places",
        "policy",
        "queue_certificates",
        "queue_password_file",
        "tags",
        "tls_ca",
        "tls_cert",
        "tls_key",
        "tracing_ca",
        "trust",
    }
)
_URLS = frozenset({"database", "tracking", "uri", "url"})
_USERS = frozenset({"mlops_user"})
_UNTOUCHED = frozenset({"id", "level", "logger", "timestamp", "component", "dropped", "version", "logging_variant"})
LONGEST = 30_000
"""Characters of a text; what comes after is cut off, as each costs the thread that logs."""
_KNOWN = 200
"""So many hosts that were seen by their names are found in texts as well."""
_IS_NAME = re.compile(r"(?=.*[.\-\d])[A-Za-z][\w.\-]{3,}")
"""Of a host that is looked for in texts: addresses are found by their form, and what looks like a word is one."""

_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.\-]{0,30}+://[^\s'\"<>,;)\]}]+")
_NO_PATH = (
    r"(?!(?:and/or|either/or|on/off|tcp/ip|TCP/IP|application/[\w+\-.]+|multipart/[\w\-]+|text/(?:plain|html|csv))\b)"
)
"""What has a slash and is none."""
_PART = r"[\w.@+\-%]"
_QUOTED = re.compile(rf"(?<!\w)(['\"]){_NO_PATH}(?!\d+/\d+\b)(?=[\w.~/\\])([^'\"<>\n/\\]*(?:/|:\\)[^'\"<>\n]*)\1(?!\w)")
"""A path between quotation marks, which may have blanks."""
_PATH = re.compile(
    rf"(?<![\w/.<])(?:~|\.{{1,2}})?/(?:{_PART}++/?)++"
    # The others do not begin in the middle of one: each start costs the way to its end.
    r"|(?<![\w/.<@+\-%])(?:"
    # Below the data folder: it ends like a file, and a folder's name may have a blank.
    rf"{_PART}++(?:/{_PART}++(?: {_PART}++(?=/))?){{0,30}}/[\w@+\-%]+\.[A-Za-z]\w{{1,4}}\b"
    # Or it is of words: no rate, no part of a number.
    rf"|{_NO_PATH}(?=[\d.]*[A-Za-z_])[\w.@+\-%]{{2,}}+(?:/(?=[\d.]*[A-Za-z_])[\w@+\-%](?:[\w.@+\-%]*[\w@+\-%]))++"
    # As Windows has them.
    r"|[A-Za-z]:(?:\\++[\w.@+\-%$~]++)++"
    r"|\\\\+[\w.\-]++(?:\\++[\w.@+\-%$~]++)++"
    r")"
)
_IP4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\d.])")
_IP6 = re.compile(
    r"\[[0-9a-fA-F:]*:[0-9a-fA-F:.%\w]*\](?::\d{1,5})?"
    # Times of day have two colons.
    r"|(?<![\w:])(?:(?:[0-9a-fA-F]{0,4}:){2,7}(?:\d{1,3}\.){3}\d{1,3}"
    r"|(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}|(?:[0-9a-fA-F]{1,4})?::[0-9a-fA-F]{0,4})"
    # The interface it is at.
    r"(?:%\w+(?:[.\-]\w+)*)?(?![\w:])"
)
_NAMED = re.compile(r"(?<![\w.\-])(?=[\w.\-]*[A-Za-z])[\w\-]+(?:\.[\w\-]+)*:\d{3,5}(?![\d:])")
_PORT = re.compile(
    r"\b(?:ports(?: |=|: ?)\d{2,5}(?:(?:, (?:and |or )?| and | or | to |-|/)\d{2,5})*+|port(?: |=|: ?)\d{2,5}(?:(?: and | or )\d{2,5})*+)\b"
)
_NUMBER = re.compile(r"\d+")
_SAID_HOST = re.compile(
    # As others' libraries say it: host='name', host name "name", server at "name".
    r"\b(host(?:name)?|host name|server(?: at)?|address)(=| |: ?)(['\"])([\w][\w.\-]*)\3"
)
_SAID_NAME = re.compile(
    # As the system and REST's own words have it, without marks: it is no name that says what was expected.
    r"(?<![\w\-.])(host(?:name)?|node|server|peer|broker)(=|: )(?!(?:expected|must|no|not|is|unknown|missing)\b)(?=[\w.\-]*[A-Za-z])"
    r"([A-Za-z0-9][\w\-]*+)(?![\w\-.]\w)"
)
_PAIR = re.compile(r"\((['\"])([\w][\w.\-:%]*)\1, (\d{1,5})((?:, \d+){0,2})\)")
"""An address as Python's sockets have it."""
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
_FILES_TOO = "py|sh|md|rs|pl|so|cc|js|ts|gz|pt"
"""Countries' names that are often the ending of a file."""
_DOMAIN = re.compile(
    r"(?<![\w.\-/:])(?:[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\.)+"
    r"(?:com|org|net|edu|gov|mil|int|info|ai|app|dev|cloud|local|localdomain|internal|intranet|lan|home|corp|private|example"
    rf"|test|invalid|arpa|(?!{_FILES_TOO})[a-z]{{2}})(?![\w\-]|\.\w)"
    # A file has one dot, or two endings.
    rf"|(?<![\w.\-/:])(?:{_LABEL}\.)+(?!(?:tar|min|d)\.){_LABEL}\.(?:{_FILES_TOO})(?![\w\-]|\.\w)"
)


class Censor:
    """A processor of log events.

    Args:
        key: what pseudonyms are made with.
    """

    def __init__(self, key: bytes | None = None) -> None:
        given = os.environ.get("SYNERGOS_CENSOR_KEY", "").encode()
        self._key = key or given or secrets.token_bytes(16)
        # Hosts that came by themselves, to be found in texts. Written and read by all threads that log: a dict can bear it, and
        # the pattern is replaced as a whole.
        self._seen: dict[str, str] = {}
        self._names: re.Pattern[str] | None = None

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """The same event without paths and network identifiers."""
        for name in list(event):
            if name not in _UNTOUCHED:
                event[name] = self._censored(name, event[name])
        return event

    def host(self, name: str) -> str:
        """The pseudonym of a host, which is found in texts from now on."""
        return self._named("host", name)

    def _censored(self, name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            # Names can be places too, such as a file's with its rows.
            return {
                self._in_text(str(key)) if name in _PLACES else key: self._censored(
                    name if name in _PLACES else str(key), each
                )
                for key, each in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._censored(name, each) for each in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float) and name not in _PORTS:
            return value
        if kind := _kind(name):
            return self._named(kind, str(value))
        return self._in_text(str(value))

    def _named(self, kind: str, value: str) -> str:
        if not value:
            return value
        pseudonym = self._pseudonym(kind, value)
        if kind == "host" and value not in self._seen and len(self._seen) < _KNOWN and _IS_NAME.fullmatch(value):
            self._seen[value] = pseudonym
            longest_first = sorted(self._seen, key=len, reverse=True)
            self._names = re.compile(rf"(?<![\w.\-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w\-]|\.\w)")
        return pseudonym

    def _in_text(self, text: str) -> str:
        if len(text) > LONGEST:
            text = text[:LONGEST] + "…"
        text = _URL.sub(lambda found: self._pseudonym("url", found[0]), text)
        text = _PAIR.sub(self._pair, text)
        text = _SAID_HOST.sub(lambda found: f"{found[1]}{found[2]}{self._named('host', found[4])}", text)
        text = _QUOTED.sub(lambda found: f"{found[1]}{self._pseudonym('path', found[2])}{found[1]}", text)
        text = _IP6.sub(self._endpoint, text)
        text = _IP4.sub(self._endpoint, text)
        text = _NAMED.sub(self._endpoint, text)
        text = _PATH.sub(lambda found: self._pseudonym("path", found[0]), text)
        text = _PORT.sub(self._ports, text)
        text = _SAID_NAME.sub(lambda found: f"{found[1]}{found[2]}{self._pseudonym('host', found[3])}", text)
        text = _DOMAIN.sub(lambda found: self._pseudonym("host", found[0]), text)
        if self._names is not None:
            text = self._names.sub(lambda found: self._seen[found[0]], text)
        return text

    def _pair(self, found: re.Match[str]) -> str:
        return f"({self._named('host', found[2])}, {self._pseudonym('port', found[3])}{found[4]})"

    def _ports(self, found: re.Match[str]) -> str:
        return _NUMBER.sub(lambda number: self._pseudonym("port", number[0]), found[0])

    def _endpoint(self, found: re.Match[str]) -> str:
        """A host with or without its port; both have pseudonyms of their own, as where they stand alone."""
        text = found[0]
        host, colon, port = text.rpartition(":")
        if not colon or (":" in host and not host.endswith("]")):
            return self._pseudonym("host", text.strip("[]"))
        return f"{self._pseudonym('host', host.strip('[]'))}:{self._pseudonym('port', port)}"

    def _pseudonym(self, kind: str, value: str) -> str:
        digest = hmac.new(self._key, f"{kind} {value}".encode(), hashlib.sha256).hexdigest()
        return f"<{kind} {digest[:8]}>"


def _kind(name: str) -> str | None:
    if name in _HOSTS:
        return "host"
    if name in _PORTS:
        return "port"
    if name in _USERS:
        return "user"
    if name in _URLS:
        return "url"
    return "path" if name in _PLACES else None
