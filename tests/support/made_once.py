"""What a program makes once, and tests would make again with each store and each application of theirs.

None of it is what any test is about, and all of it together takes longer than they do: SQL for statements, what rules of URLs
say, code that builds URLs, code of templates, the commands of a command line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import CodeType
from typing import Any

import pytest
import structlog
import typer.main
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine, QueuePool, create_engine
from werkzeug.routing import Rule

from synergos.records import database


def share(patch: pytest.MonkeyPatch) -> None:
    """Have all that is made from now on share it, until ``patch`` is undone."""
    patch.setattr(database, "create_engine", _engines())
    patch.setattr(Rule, "compile", _compiled_once())
    patch.setattr(Rule, "_compile_builder", _builder_when_needed)
    patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
    # Tracebacks in colours with all values cost some hundred milliseconds each, and nobody sees them.
    renderer: Any = structlog.get_config()["processors"][-1]
    patch.setattr(renderer, "exception_formatter", structlog.dev.plain_traceback)


def _engines() -> Callable[..., Engine]:
    """SQLite's engines, with one memory of statements and their SQL; it is kept by dialect, which is an engine's own."""
    first: list[Engine] = []

    def made(url: Any, **options: Any) -> Engine:
        engine = create_engine(url, **options)
        if engine.dialect.name == "sqlite":
            if not first:
                first.append(create_engine("sqlite://", poolclass=QueuePool, **options))
                # A dialect learns of its database when it first connects.
                first[0].connect().close()
                first[0].dispose()
            engine.dialect, engine._compiled_cache = first[0].dialect, first[0]._compiled_cache
        return engine

    return made


def _compiled_once() -> Callable[[Rule], None]:
    """Reads what rules of URLs say once for all applications that have the same: each has a hundred, and most tests make one."""
    compile_rule = Rule.compile
    read: dict[tuple[object, ...], tuple[list[Any], list[Any], dict[str, Any]]] = {}

    def compiled(rule: Rule) -> None:
        assert rule.map is not None
        place = rule.host if rule.map.host_matching else rule.subdomain
        # Converters are an application's own: the same names may stand for others.
        key = (rule.rule, place, rule.merge_slashes, *rule.map.converters.items())
        if key not in read:
            compile_rule(rule)
            read[key] = rule._parts, rule._trace, rule._converters
            return
        rule._parts, rule._trace, rule._converters = read[key]
        rule.arguments.update(rule._converters)
        rule._build = rule._compile_builder(False).__get__(rule, None)
        rule._build_unknown = rule._compile_builder(True).__get__(rule, None)

    return compiled


_compile_builder = Rule._compile_builder


def _builder_when_needed(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """Compiled when a URL is first built by this rule: most applications of tests build none by most of theirs."""

    def build(_rule: Rule, *args: Any, **values: Any) -> tuple[str, str]:
        made: Any = _compile_builder(rule, append_unknown)
        bound: Callable[..., tuple[str, str]] = made.__get__(rule, None)
        setattr(rule, "_build_unknown" if append_unknown else "_build", bound)
        return bound(*args, **values)

    return build


class TemplateCode(BytecodeCache):
    """Templates as compiled for any application, for all that have the same."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """As the interface has it."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """As the interface has it."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code
