"""An orchestrator with accounts, in this process."""

from __future__ import annotations

from typing import Any

from flask import Flask, request

TOKEN = "a-token-that-nobody-may-see"


def closed() -> Flask:
    """An orchestrator with accounts: ``lead`` and ``hospital`` sign in with the password ``right``."""
    app = Flask("closed")
    roles = {"lead": ("orchestrator", None), "hospital": ("participant", "hospital_1")}
    tokens: dict[str, str] = {}

    def told(status: int, **body: Any) -> Any:
        return {"apiVersion": "0.1.0", "success": int(status < 400), "status": status, **body}, status

    @app.get("/health")
    def health() -> Any:
        return {"status": "ok", "component": "ttp", "id": "t", "accounts": "on"}

    @app.post("/ttp/tokens")
    def sign_in() -> Any:
        who = request.authorization
        if who is None or who.username not in roles or who.password != "right":
            return told(401, message="not signed in")
        tokens[f"{TOKEN}-{who.username}"] = str(who.username)
        return told(201, data={"id": "t1", "token": f"{TOKEN}-{who.username}"})

    @app.route("/ttp/<path:path>", methods=["GET", "DELETE", "POST"])
    def anything(path: str) -> Any:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in tokens:
            return told(401, message="not signed in")
        name = tokens[token]
        if path == "account":
            return told(200, data={"name": name, "role": roles[name][0], "participant_id": roles[name][1]})
        if request.method == "DELETE":
            del tokens[token]
            return told(200, data={})
        return told(200, data=[], params={"counts": {"failed": 0}})

    return app
