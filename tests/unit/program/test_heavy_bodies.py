"""Bodies whose values take much memory are read one at a time; others wait for nobody."""

from __future__ import annotations

import weakref

import pytest
from flask import Flask
from werkzeug.exceptions import ServiceUnavailable

from synergos.program import heavy_bodies

HEAVY, LIGHT = b"[" + b"{}," * 100_000 + b"{}]", b"[1, 2, 3]"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr(heavy_bodies, "_PATIENCE", 0.01)
    app = Flask(__name__)
    heavy_bodies.install(app)
    return app


def test_of_heavy_bodies_one_is_read_at_a_time(app: Flask) -> None:
    with app.test_request_context():
        heavy_bodies.take_turn(HEAVY)
        with app.app_context(), pytest.raises(ServiceUnavailable, match="other large bodies are being read"):
            heavy_bodies.take_turn(HEAVY)


def test_light_ones_wait_for_nobody(app: Flask) -> None:
    with app.test_request_context():
        heavy_bodies.take_turn(HEAVY)
        with app.app_context():
            heavy_bodies.take_turn(LIGHT)


def test_a_turn_ends_with_its_request(app: Flask) -> None:
    @app.post("/")
    def post() -> str:
        heavy_bodies.take_turn(HEAVY)
        raise ServiceUnavailable

    client = app.test_client()

    assert [client.post("/").status_code for _ in range(2)] == [503, 503]
    with app.app_context():
        heavy_bodies.take_turn(HEAVY)
        heavy_bodies.end_turn()


def test_a_request_takes_one_turn_and_may_end_it_early(app: Flask) -> None:
    with app.test_request_context():
        heavy_bodies.take_turn(HEAVY)
        heavy_bodies.take_turn(HEAVY)
        heavy_bodies.end_turn()
        heavy_bodies.end_turn()
        with app.app_context():
            heavy_bodies.take_turn(HEAVY)
            heavy_bodies.end_turn()


class Held:
    """Something that is in a circle with itself, as an error is with the frames it passed through."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_heavy_body_left_in_a_circle_is_gone_after_its_request(app: Flask) -> None:
    held: list[weakref.ref[Held]] = []

    @app.post("/")
    def post() -> str:
        heavy_bodies.take_turn(HEAVY)
        held.append(weakref.ref(Held()))
        heavy_bodies.end_turn()
        return ""

    app.test_client().post("/")

    assert held[0]() is None


def test_a_long_text_is_heavy_whatever_its_values(app: Flask) -> None:
    with app.test_request_context():
        heavy_bodies.take_turn(b'"' + b"x" * 2**22 + b'"')
        with app.app_context(), pytest.raises(ServiceUnavailable):
            heavy_bodies.take_turn(HEAVY)
