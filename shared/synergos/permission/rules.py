"""The one module that knows ``syft_permissions``: what the rules in a permission file are, and which of them decides a use.

The library's own checks and its matching of rules are used: of the rules whose pattern fits, the most specific one decides, alone.
What it takes in silence and we do not: names it does not know, and readers of our rules that are nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self, TypedDict

from pydantic import ValidationError
from syft_permissions import Access, AccessLevel, ACLRequest, ACLService, Rule, RuleSet, User

from synergos.errors import InvalidRequest
from synergos.permission.use import PREFIX, Reader, Use, Uses
from synergos.permission.yaml_text import plain

MOST_RULES = 500
LEVELS = ("admin", "write", "read")
"""Of access, as the library has them."""
_STRANGER = "somebody who has not shown who it is"


@dataclass(frozen=True)
class UseRule:
    """A rule about uses.

    Attributes:
        readers: whom it allows them, whichever of the file's three levels they stand in: whoever may write may read.
    """

    uses: Uses
    readers: tuple[Reader, ...]

    def of(self, line: Collection[str]) -> list[Reader]:
        """Those who are one of an identity's line, or everybody."""
        return [each for each in self.readers if each.who == "*" or each.who in line]


class RuleTable(TypedDict):
    """A rule as it stands in a file.

    Attributes:
        access: who may, by level.
    """

    pattern: str
    access: dict[str, list[str]]


class RulesTable(TypedDict, total=False):
    """A permission file as it stands."""

    rules: list[RuleTable]
    terminal: bool


@dataclass(frozen=True)
class Rules:
    """What one permission file says.

    Attributes:
        use_rules: those that are about uses, as the file has them in order.
        is_terminal: whether it holds for all folders below, whatever files those have.
        content: all of it.
    """

    use_rules: tuple[UseRule, ...]
    is_terminal: bool = False
    content: RulesTable = field(default_factory=RulesTable)

    @classmethod
    def read(cls, text: str) -> Self:
        """What a text says.

        Raises:
            InvalidRequest: it is not what such a file has; says where, and repeats nothing of it.
        """
        stands = plain(text)
        content: RulesTable = {} if stands is None else stands
        _check_names(content)
        try:
            found = RuleSet.model_validate(content)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise InvalidRequest(
                f"is not as the file of a folder's permissions is: {error.errors()[0]['type']}", where
            ) from None
        if len(found.rules) > MOST_RULES:
            raise InvalidRequest(f"expected at most {MOST_RULES} rules", "rules")
        rules = tuple(_use_rules(found.rules))
        if len({rule.uses for rule in rules}) < len(rules):
            raise InvalidRequest("expected no pattern twice, as only one of its rules would count", "rules")
        return cls(rules, found.terminal, content)

    def deciding(self, use: Use) -> UseRule | None:
        """The rule that decides a use; None where there is none."""
        found = self._service.tree.get_compiled_rule(_request(use, _STRANGER))
        return None if found is None else next(rule for rule in self.use_rules if rule.uses.pattern == found.pattern)

    def allowing(self, use: Use, line: Collection[str]) -> list[Reader]:
        """Whom of an identity's line the file allows a use, everybody among them; nobody where it allows none.

        Args:
            line: the fingerprints that stand for who asks; none where it did not show who it is.
        """
        rule = self.deciding(use)
        who = [*line] or [_STRANGER]
        if rule is None or not any(self._service.can_access(_request(use, each)) for each in who):
            return []
        return rule.of(line)

    @cached_property
    def _service(self) -> ACLService:
        # Whoever owns the folder asks nobody; no identity is called so.
        service = ACLService(owner="\0the owner of the folder")
        given = [
            Rule(pattern=rule.uses.pattern, access=Access(read=[reader.who for reader in rule.readers]))
            for rule in self.use_rules
        ]
        service.add_ruleset(RuleSet(rules=given))
        return service


def _request(use: Use, who: str) -> ACLRequest:
    return ACLRequest(path=use.path, level=AccessLevel.READ, user=User(id=who))


def _use_rules(rules: Sequence[Rule]) -> Iterator[UseRule]:
    for place, rule in enumerate(rules):
        if not rule.pattern.startswith(PREFIX):
            continue
        try:
            uses = Uses.of(rule.pattern)
        except InvalidRequest as error:
            raise InvalidRequest(str(error), f"rules.{place}") from None
        readers = []
        for level in LEVELS:
            for number, text in enumerate(getattr(rule.access, level)):
                try:
                    readers.append(Reader.of(text))
                except InvalidRequest as error:
                    raise InvalidRequest(str(error), f"rules.{place}.access.{level}.{number}") from None
        yield UseRule(uses, tuple(readers))


def _check_names(content: object) -> None:
    """Refuse names that the library would read past: what is misspelt would say nothing."""
    top = _mapping(content, "content", {"rules", "terminal"})
    for place, rule in enumerate(_list(top.get("rules", []), "rules")):
        inner = _mapping(rule, f"rules.{place}", {"pattern", "access"})
        _mapping(inner.get("access", {}), f"rules.{place}.access", set(LEVELS))


def _mapping(value: object, where: str, names: Collection[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InvalidRequest(f"expected {', '.join(sorted(names))}", where)
    if value.keys() - set(names):
        raise InvalidRequest(f"expected nothing but {', '.join(sorted(names))}", where)
    return value


def _list(value: object, where: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise InvalidRequest("expected a list", where)
    return value
