"""Pages run their own scripts and nobody else's, in no frame."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from flask import Flask

from synergos.program import page_policy

SCRIPT = "window.onload = function() {}"


def answer_to(path: str) -> dict[str, str]:
    app = Flask("pages", static_folder=None)
    app.add_url_rule(
        "/page", "page", lambda: f'<script src="/a.js"></script><script type="text/javascript">{SCRIPT}</script>'
    )
    app.add_url_rule("/record", "record", lambda: {"label": "<script>alert(1)</script>"})
    page_policy.install(app)
    return dict(app.test_client().get(path).headers)


def test_a_page_names_its_own_scripts_by_their_hashes() -> None:
    digest = b64encode(sha256(SCRIPT.encode()).digest()).decode()

    policy = answer_to("/page")["Content-Security-Policy"].split("; ")

    assert policy[:2] == ["default-src 'self'", f"script-src 'self' 'sha256-{digest}'"]
    assert "frame-ancestors 'none'" in policy


def test_what_is_no_page_is_never_taken_for_one() -> None:
    headers = answer_to("/record")

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Content-Security-Policy" not in headers
