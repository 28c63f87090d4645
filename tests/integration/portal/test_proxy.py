"""Pages of other programs by the portal's proxy, in the server that all programs run in and over real connections."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from servers.shown_tool import HOST, Shown, chunk, shown_tool
from support.waiting import until
from synergos_portal.proxy.asking import PIECE
from synergos_simulator.grid import FreePorts

PROGRAM = """
import sys
from synergos.program.server import ServerSettings, serve
from synergos_portal.proxy.forwarding import Proxy
from synergos_portal.proxy.lines import Lines
from synergos_portal.proxy.tool import Login, Place, Tool

port, shown, away, rest = int(sys.argv[1]), *(Place.read(url, "--tool") for url in sys.argv[2:])

def otherwise(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"our own page"]

def say(environ, start_response, trouble):
    body = f"{trouble.kind.name} {trouble.tool}".encode()
    start_response(f"{trouble.kind.status.value} {trouble.kind.status.phrase}", [("Content-Length", str(len(body)))])
    return [body]

class Service:
    def __init__(self):
        tools = [
            Tool.under("mlops", "MLflow", shown),
            Tool.under("deep", "Graylog", Place.read(f"http://{shown.written}/base", "--tool"), place_header="X-Place"),
            Tool.under("queue", "RabbitMQ", shown, login=Login("lead", "correct horse")),
            Tool.under("silent", "Jupyter", shown),
            Tool.under("away", "Logs", away),
            Tool("rest", "Swagger", rest, paths=("/ttp", "/swaggerui"), reads_only=True),
        ]
        self.proxy = Proxy(tools, otherwise, say, lambda name: name.startswith("synergos_"), lines=self.lines)

    def lines(self, tool):
        # One alone is not waited for: of the others a busy machine may take its time.
        return Lines(tool, 3, 0.2, 1.0 if tool.name == "silent" else 100.0)

    def applications(self):
        return {port: self.proxy}

    def stop(self):
        pass

    def close(self):
        self.proxy.close()

serve(Service, ServerSettings("127.0.0.1", (port,)))
"""


class Proxied:
    """The program above and the one whose pages it shows."""

    def __init__(self, port: int, shown: Shown) -> None:
        self.port = port
        self.shown = shown

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.port, timeout=100)

    def get(
        self, target: str, method: str = "GET", body: bytes | None = None, **fields: str
    ) -> http.client.HTTPResponse:
        """The answer to a request by a connection of its own; its body is in ``told``."""
        with closing(self.connection()) as connection:
            named = {name.replace("_", "-"): value for name, value in fields.items()}
            connection.request(method, target, body, named)
            answer = connection.getresponse()
            answer.told = answer.read()  # type: ignore[attr-defined]
            return answer

    def change(
        self, target: str, method: str = "POST", body: bytes | None = b"x", **fields: str
    ) -> http.client.HTTPResponse:
        return self.get(target, method, body, **{"Sec_Fetch_Site": "same-origin", **fields})


@pytest.fixture(scope="module")
def program() -> Iterator[Proxied]:
    free_port = FreePorts()
    with shown_tool() as shown:
        port, away = free_port(), free_port()
        urls = [shown.url, f"http://{HOST}:{away}", shown.url]
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port), *urls])

        def answers() -> bool:
            assert process.poll() is None
            try:
                with closing(http.client.HTTPConnection(HOST, port, timeout=5)) as connection:
                    connection.request("GET", "/")
                    return connection.getresponse().status == 200
            except OSError:
                return False

        until(answers, "the proxy to answer")
        yield Proxied(port, shown)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.fixture
def proxied(program: Proxied) -> Iterator[Proxied]:
    program.shown.asked.clear()
    program.shown.pieces.clear()
    yield program
    program.shown.answers.clear()


def told(answer: http.client.HTTPResponse) -> bytes:
    body: bytes = answer.told  # type: ignore[attr-defined]
    return body


def values(answer: http.client.HTTPResponse, name: str) -> list[str]:
    return answer.headers.get_all(name) or []


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("/tools/mlops/", "/"),
        ("/tools/mlops/api/queues/%2F/a%2fb?q=%2F&x=%20+", "/api/queues/%2F/a%2fb?q=%2F&x=%20+"),
        ("/tools/mlops//a///b/", "//a///b/"),
        ("/tools/mlops/%7Euser;v=1/[x]|", "/%7Euser;v=1/[x]|"),
        ("/tools/mlops/?", "/?"),
        ("/tools/deep/search?q=1", "/base/search?q=1"),
        ("/ttp/connect/collaborations?limit=1", "/ttp/connect/collaborations?limit=1"),
        ("/swaggerui/swagger-ui.css", "/swaggerui/swagger-ui.css"),
        (f"http://{HOST}/tools/mlops/x", "/x"),
    ],
)
def test_what_is_asked_for_is_passed_on_as_it_was_sent(proxied: Proxied, here: str, there: str) -> None:
    assert proxied.get(here).status == 200
    assert [asked.target for asked in proxied.shown.asked] == [there]


@pytest.mark.parametrize("path", ["/", "/tool", "/toolsx/mlops", "/ttpx", "/swaggeruix", "/docs", "/tools"])
def test_other_addresses_are_our_own(proxied: Proxied, path: str) -> None:
    assert told(proxied.get(path)) == b"our own page"
    assert proxied.shown.asked == []


@pytest.mark.parametrize(
    "path", ["/tools/other/", "/tools/http://127.0.0.1:1/", "/tools/", "/tools/mlopsx/a", "/tools/127.0.0.1:80/"]
)
def test_a_program_that_was_not_listed_is_nowhere(proxied: Proxied, path: str) -> None:
    answer = proxied.get(path)
    assert (answer.status, told(answer)) == (404, b"UNKNOWN ")
    assert proxied.shown.asked == []


def test_without_the_slash_behind_its_name_one_is_sent_on_to_a_program(proxied: Proxied) -> None:
    answer = proxied.get("/tools/mlops?x=1")
    assert (answer.status, answer.headers["Location"]) == (308, "/tools/mlops/?x=1")


@pytest.mark.parametrize(
    "path",
    [
        "/tools/mlops/../rest",
        "/tools/mlops/a/%2e%2E/b",
        "/tools/mlops/a/..;x=1/b",
        "/tools/deep/./x",
        "/ttp/..%5c..",
        "/tools/deep/a%2F..%2f..",
        "/tools/deep/..",
    ],
)
def test_a_path_with_steps_up_leads_nowhere(proxied: Proxied, path: str) -> None:
    answer = proxied.get(path)
    assert answer.status == 400
    assert proxied.shown.asked == []


def test_a_program_is_not_told_who_shows_its_pages(proxied: Proxied) -> None:
    proxied.get(
        "/tools/mlops/x",
        Origin=f"http://{HOST}:{proxied.port}",
        Referer="http://view/secret",
        Cookie="synergos_view=1; theme=dark; synergos_view_2=2; m=a=b",
        X_Forwarded_For="1.2.3.4",
        Forwarded="for=1.2.3.4",
        Sec_Fetch_Site="same-origin",
        Connection="keep-alive, X-Hop",
        X_Hop="1",
        TE="trailers",
        Upgrade="websocket",
        Authorization="Bearer own",
        If_None_Match='"1"',
        Accept_Encoding="br",
    )
    (asked,) = proxied.shown.asked
    assert asked.values("Host") == [f"{HOST}:{proxied.shown.port}"]
    assert asked.values("Cookie") == ["theme=dark; m=a=b"]
    assert asked.values("Authorization") == ["Bearer own"]
    assert (asked.values("If-None-Match"), asked.values("Accept-Encoding")) == (['"1"'], ["br"])
    there = {name.lower() for name, _ in asked.fields}
    assert there <= {"host", "cookie", "authorization", "if-none-match", "accept-encoding"}


def test_a_program_that_wants_to_know_its_address_here_is_told(proxied: Proxied) -> None:
    proxied.get("/tools/deep/x", Host=f"{HOST}:{proxied.port}")
    (asked,) = proxied.shown.asked
    assert asked.values("X-Place") == [f"http://{HOST}:{proxied.port}/tools/deep/"]


def test_framing_is_allowed_to_our_own_pages_alone(proxied: Proxied) -> None:
    proxied.shown.answers["/x"] = (
        200,
        [
            ("Content-Security-Policy", "script-src 'self'; frame-ancestors https://a; report-uri /r, img-src *"),
            ("Strict-Transport-Security", "max-age=1"),
            ("Clear-Site-Data", '"*"'),
            ("Access-Control-Allow-Origin", "*"),
            ("Service-Worker-Allowed", "/"),
            ("X-Hop", "1"),
            ("Connection", "X-Hop"),
            ("Link", "</a.css>; rel=preload"),
        ],
        [b"page"],
    )
    answer = proxied.get("/tools/mlops/x")
    assert values(answer, "Content-Security-Policy") == ["script-src 'self', img-src *", "frame-ancestors 'self'"]
    assert values(answer, "X-Frame-Options") == []
    kept = {name.lower() for name in answer.headers}
    assert kept.isdisjoint(
        {
            "strict-transport-security",
            "clear-site-data",
            "access-control-allow-origin",
            "service-worker-allowed",
            "x-hop",
            "link",
        }
    )
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Referrer-Policy"]) == ("nosniff", "same-origin")
    assert len(values(answer, "Date")) == 1
    assert len(values(answer, "Content-Length")) == 1


@pytest.mark.parametrize(
    ("tool", "there", "here"),
    [
        ("mlops", "/next?a=%2F#b", "/tools/mlops/next?a=%2F#b"),
        ("mlops", "{url}/next", "/tools/mlops/next"),
        ("mlops", "{url}", "/tools/mlops/"),
        ("mlops", "{url}?a=1", "/tools/mlops/?a=1"),
        ("mlops", "//{host}/next", "/tools/mlops/next"),
        ("mlops", "next", "next"),
        ("mlops", "?page=2", "?page=2"),
        ("mlops", "https://{host}/next", "https://{host}/next"),
        ("mlops", "http://else.example/next", "http://else.example/next"),
        ("mlops", "{url}.evil.example/", "{url}.evil.example/"),
        ("deep", "/base/next", "/tools/deep/next"),
        ("deep", "{url}/base?x", "/tools/deep/?x"),
        ("deep", "/basement", "/tools/deep/basement"),
    ],
)
def test_redirects_stay_here(proxied: Proxied, tool: str, there: str, here: str) -> None:
    there, here = (part.format(url=proxied.shown.url, host=f"{HOST}:{proxied.shown.port}") for part in (there, here))
    fields = [("Location", there), ("Content-Location", there)]
    proxied.shown.answers["/base/go" if tool == "deep" else "/go"] = (302, fields, [b""])
    answer = proxied.get(f"/tools/{tool}/go")
    assert (answer.status, answer.headers["Location"], answer.headers["Content-Location"]) == (302, here, here)


def test_cookies_go_to_their_program_alone_and_are_never_ours(proxied: Proxied) -> None:
    proxied.shown.answers["/x"] = (
        200,
        [
            ("Set-Cookie", "m=1; Path=/; HttpOnly; Domain=example.org"),
            ("Set-Cookie", "n=2; path=/api; SameSite=None; Secure; Max-Age=5"),
            ("Set-Cookie", "o=3"),
            ("Set-Cookie", "synergos_view=stolen; Path=/"),
        ],
        [b"page"],
    )
    answer = proxied.get("/tools/mlops/x")
    assert values(answer, "Set-Cookie") == [
        "m=1; Path=/tools/mlops/; HttpOnly",
        "n=2; Path=/tools/mlops/api; Max-Age=5",
        "o=3",
    ]


def test_who_may_not_frame_or_change_from_another_page_is_refused(proxied: Proxied) -> None:
    own = f"http://{HOST}:{proxied.port}"
    for fields in (
        {},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": "same-site", "Origin": own},
    ):
        answer = proxied.get("/tools/mlops/x", "POST", b"x", **fields)
        assert (answer.status, told(answer)) == (403, b"OTHER_SITE MLflow")
    assert proxied.shown.asked == []
    assert proxied.get("/tools/mlops/x", "POST", b"x", Origin=own).status == 200
    assert proxied.change("/tools/mlops/x", Origin=own).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_bodies_are_passed_on_with_every_method(proxied: Proxied, method: str) -> None:
    body = bytes(range(256)) * 1000
    assert proxied.change("/tools/mlops/x", method, body, Content_Type="application/x-thing").status == 200
    (asked,) = proxied.shown.asked
    assert (asked.method, asked.body) == (method, body)
    assert (asked.values("Content-Length"), asked.values("Content-Type")) == ([str(len(body))], ["application/x-thing"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/ttp/connect/collaborations/c", "/swaggerui/x"])
def test_an_orchestrators_interface_is_for_reading_alone(proxied: Proxied, path: str, method: str) -> None:
    answer = proxied.change(path, method)
    assert (answer.status, told(answer)) == (405, b"READING_ONLY Swagger")
    assert proxied.shown.asked == []
    assert proxied.get(path, "HEAD").status == 200


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND"])
def test_methods_that_pages_do_not_use_are_refused(proxied: Proxied, method: str) -> None:
    assert proxied.change("/tools/mlops/x", method, None).status == 405
    assert proxied.shown.asked == []


def test_a_body_is_sent_on_while_it_comes(proxied: Proxied) -> None:
    first = b"first" * (PIECE // 4)
    with closing(proxied.connection()) as connection:
        connection.putrequest("POST", "/tools/mlops/x")
        for name, value in (("Transfer-Encoding", "chunked"), ("Sec-Fetch-Site", "same-origin")):
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(chunk(first))
        until(lambda: first[:PIECE] in proxied.shown.pieces, "the first piece to be passed on")
        connection.send(chunk(b"second") + b"0\r\n\r\n")
        assert connection.getresponse().status == 200
    (asked,) = proxied.shown.asked
    assert asked.body == first + b"second"


@pytest.mark.parametrize("how", ["chunked", "length", "close"])
def test_an_answer_is_sent_on_while_it_comes(proxied: Proxied, how: str) -> None:
    go_on = threading.Event()
    pieces: list[bytes | threading.Event] = [b"first", go_on, b"second"]
    field = {
        "chunked": ("Transfer-Encoding", "chunked"),
        "length": ("Content-Length", "11"),
        "close": ("Connection", "close"),
    }[how]
    if how == "chunked":
        pieces = [chunk(b"first"), go_on, chunk(b"second"), b"0\r\n\r\n"]
    fields = [field] if how != "close" else [field, ("Transfer-Encoding", "identity")]
    proxied.shown.answers["/x"] = (200, fields, pieces)
    with closing(proxied.connection()) as connection:
        connection.request("GET", "/tools/mlops/x")
        answer = connection.getresponse()
        assert answer.read1(5) == b"first"
        go_on.set()
        assert answer.read() == b"second"


def test_an_answer_that_breaks_off_is_no_whole_one(proxied: Proxied) -> None:
    proxied.shown.answers["/x"] = (200, [("Content-Length", "100"), ("Connection", "close")], [b"half"])
    with closing(proxied.connection()) as connection:
        connection.request("GET", "/tools/mlops/x")
        with pytest.raises(http.client.IncompleteRead):
            connection.getresponse().read()


@pytest.mark.parametrize("status", [204, 304, 404, 418])
def test_statuses_are_passed_on(proxied: Proxied, status: int) -> None:
    proxied.shown.answers["/x"] = (status, [("ETag", '"1"')], [b"" if status < 400 else b"no"])
    answer = proxied.get("/tools/mlops/x")
    assert (answer.status, answer.headers["ETag"]) == (status, '"1"')
    assert told(answer) == (b"" if status < 400 else b"no")


def test_connections_are_kept_and_one_that_is_gone_is_made_anew(proxied: Proxied) -> None:
    for _ in range(3):
        assert proxied.get("/tools/mlops/x").status == 200
    proxied.shown.stop()
    assert told(proxied.get("/tools/mlops/x")) == b"AWAY MLflow"
    proxied.shown.start()
    assert proxied.get("/tools/mlops/x").status == 200


def test_a_program_that_is_away_is_said_to_be(proxied: Proxied) -> None:
    answer = proxied.get("/tools/away/")
    assert (answer.status, told(answer)) == (502, b"AWAY Logs")


def test_a_program_that_says_nothing_is_waited_for_no_longer_than_a_while(proxied: Proxied) -> None:
    never = threading.Event()
    proxied.shown.answers["/x"] = (200, [("Transfer-Encoding", "chunked")], [never])
    # Its head comes; where nothing comes at all it is the same clock.
    with closing(proxied.connection()) as connection:
        connection.request("GET", "/tools/silent/x")
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            connection.getresponse().read()
    never.set()


def test_so_many_requests_at_a_time_and_no_more(proxied: Proxied) -> None:
    go_on = threading.Event()
    proxied.shown.answers["/slow"] = (200, [("Content-Length", "5")], [b"ab", go_on, b"cde"])
    held = [proxied.connection() for _ in range(3)]
    try:
        answers = []
        for connection in held:
            connection.request("GET", "/tools/mlops/slow")
            answers.append(connection.getresponse())
        assert told(proxied.get("/tools/mlops/x")) == b"BUSY MLflow"
        assert proxied.get("/tools/deep/x").status == 200
        go_on.set()
        assert [answer.read() for answer in answers] == [b"abcde"] * 3
    finally:
        go_on.set()
        for connection in held:
            connection.close()
    until(lambda: proxied.get("/tools/mlops/x").status == 200, "a place to be given back")


def test_places_are_given_back_by_those_who_hang_up(proxied: Proxied) -> None:
    for _ in range(6):
        with closing(proxied.connection()) as connection:
            connection.putrequest("POST", "/tools/mlops/x")
            for name, value in (("Content-Length", "100000"), ("Sec-Fetch-Site", "same-origin")):
                connection.putheader(name, value)
            connection.endheaders(b"x")
    until(lambda: proxied.get("/tools/mlops/x").status == 200, "a place to be given back")


def test_a_login_is_added_here_and_no_browser_learns_of_it(proxied: Proxied) -> None:
    answer = proxied.get("/tools/queue/x", Authorization="Basic bW9yZQ==")
    (asked,) = proxied.shown.asked
    assert asked.values("Authorization") == ["Basic bGVhZDpjb3JyZWN0IGhvcnNl"]
    assert b"bGVhZDpjb3JyZWN0IGhvcnNl" not in told(answer) + str(answer.headers).encode()


def test_a_login_that_is_refused_asks_nobody_for_a_password(proxied: Proxied) -> None:
    proxied.shown.answers["/x"] = (401, [("WWW-Authenticate", "Basic realm=x")], [b"who?"])
    answer = proxied.get("/tools/queue/x")
    assert (answer.status, told(answer), answer.headers["WWW-Authenticate"]) == (502, b"LOGIN_REFUSED RabbitMQ", None)
    assert proxied.get("/tools/mlops/x").headers["WWW-Authenticate"] == 'Basic realm="mlops", charset="UTF-8"'


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_a_page_that_is_refused_says_so_and_other_answers_are_the_programs_own(proxied: Proxied, status: int) -> None:
    proxied.shown.answers["/x"] = (status, [], [b"no"])
    assert told(proxied.get("/tools/mlops/x", Accept="text/html")) == b"FAILING MLflow"
    assert told(proxied.get("/tools/mlops/x", Accept="application/json")) == b"no"
