"""The last form of a page, as a browser has it."""

from __future__ import annotations

import re
from html import unescape


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of a page's last form."""
    form = page[page.rindex('<form method="post"') :]
    found = re.findall(r"<input[^>]*>", form)
    return {_of(each, "name"): unescape(_of(each, "value")) for each in found if 'type="hidden"' in each}


def fields(page: str) -> dict[str, str]:
    """All fields of a page's last form, as a browser would send them."""
    form = page[page.rindex('<form method="post"') :]
    typed = [each for each in re.findall(r"<input[^>]*>", form) if 'type="file"' not in each]
    values = {_of(each, "name"): unescape(_of(each, "value")) for each in typed if _of(each, "name")}
    for name, options in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.findall(r"<option[^>]* selected[^>]*>([^<]*)</option>", options)
        values[name] = unescape(chosen[-1]) if chosen else ""
    return values


def _of(tag: str, attribute: str) -> str:
    found = re.search(rf' {attribute}="([^"]*)"', tag)
    return found[1] if found else ""
