"""Lists of an orchestrator, a page at a time."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fakes.orchestration import (
    Client,
)


def pages(client: Client, url: str, **query: object) -> list[list[Any]]:
    """Every page of a list, one after the other."""
    found, query = [], dict(query)
    while True:
        answer = page(client, url, **query)
        found.append(answer["data"])
        if answer["next"] is None:
            return found
        query["cursor"] = answer["next"]


def everything(client: Client, url: str, **query: object) -> list[Any]:
    return [item for each in pages(client, url, **query) for item in each]


def page(client: Client, url: str, **query: object) -> dict[str, Any]:
    status, answer = client.get(f"{url}?{urlencode(query)}")
    assert status == 200, answer
    return answer


def ids(items: list[Any]) -> list[str]:
    return [item["id"] for item in items]
