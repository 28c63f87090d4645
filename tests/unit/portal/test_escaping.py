"""What templates write is escaped as the library escapes it, and what is written already stays."""

from __future__ import annotations

import pytest
from markupsafe import Markup, escape

from fakes.portal import Portal
from synergos_portal.services import Service
from synergos_portal.web.markup import escaped
from synergos_portal.web.words import lazy


class Text(str):
    """Text of another kind."""


class Shown:
    """What says itself how it is written."""

    def __html__(self) -> str:
        return "<i>&</i>"


VALUES = ["", "a_b-1", "ä", "&", "<", ">", "'", '"', "a<b", Markup("<b>&amp;</b>"), Text("<b>"), Shown(), 5, 0.5, None]


@pytest.mark.parametrize("value", VALUES)
def test_it_is_what_the_library_makes_of_it(value: object) -> None:
    assert escaped(value) == escape(value)
    assert "".join([escaped(value)]) == str(escape(value))


def test_pages_macros_and_blocks_write_so(grid: Portal) -> None:
    app = grid.apps[Service.VIEW]
    page = app.jinja_env.from_string(
        "{% macro cell(x) %}<td>{{ x }}</td>{% endmacro %}{% set kept %}<p>{{ x }}</p>{% endset %}"
        '{% block part %}{{ x }}{% endblock %} {{ cell(x) }} {{ kept }} {{ x ~ kept }} {{ word }} {{ "1"|safe }}'
        "{% macro around() %}<b>{{ caller(x) }}</b>{% endmacro %} {% call(y) around() %}{{ y }}{% endcall %}"
        ' {% filter trim %} {{ x }} {% endfilter %} {{ [x, kept]|join(x) }} {{ x|tojson }} {{ "%s"|format(x) }}'
        ' {{ _("Type %(name)s exactly as it is written.", name=x) }} {{ none }} {{ 0.5 }} {{ [x] }}'
    )

    with app.test_request_context("/"):
        read = page.render(x="<&'", word=lazy("Jobs"))
        whole = app.jinja_env.get_template("base.html").root_render_func

    text = "&lt;&amp;&#39;"
    assert read == (
        f"{text} <td>{text}</td> <p>{text}</p> {text}<p>{text}</p> Jobs 1 <b>{text}</b>"
        rf' {text} {text}{text}<p>{text}</p> "\u003c\u0026\u0027" {text}'
        f" Type {text} exactly as it is written. None 0.5 [&#34;{text}&#34;]"
    )
    assert whole.__globals__["escape"] is escaped
