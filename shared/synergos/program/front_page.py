"""What a program shows at ``/``: which one it is and where to go on, as a page for browsers and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from werkzeug.datastructures import MIMEAccept

from synergos.foreign_text import on_page

HTML, JSON = "text/html", "application/json"

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>:root {{ color-scheme: light dark; font-family: system-ui, sans-serif }} body {{ margin: 2rem auto; max-width: 40rem }}</style>
<h1>{title}</h1>
<p>{about}</p>
<ul>
{links}
</ul>
</html>
"""


def front_page(health: Mapping[str, object], links: Mapping[str, str], accepted: MIMEAccept) -> tuple[str, str]:
    """The page and its type.

    Args:
        health: what the program says at ``/health``.
        links: address on this port to what is there.
        accepted: what whoever asks would like; JSON where it does not matter to them.
    """
    if accepted.best_match((JSON, HTML), JSON) == JSON:
        return json.dumps({**health, "links": dict(links)}), JSON
    title = f"Synergos {health['component']}"
    items = "\n".join(f'<li><a href="{on_page(address)}">{on_page(what)}</a></li>' for address, what in links.items())
    about = on_page(f"{health['id']}, version {health['version']}")
    return _PAGE.format(title=on_page(title), about=about, links=items), HTML
