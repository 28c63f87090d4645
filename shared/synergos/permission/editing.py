"""Changes of a permission file: who is granted or revoked what; as far as can be, the rest of the file stays as its owner has written it."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from synergos.errors import InvalidRequest
from synergos.permission.folders import Held, PermissionFiles
from synergos.permission.judging import command
from synergos.permission.rules import LEVELS, Rules, RulesTable, RuleTable, UseRule
from synergos.permission.use import FILE_NAME, PREFIX, Reader, Uses
from synergos.permission.yaml_text import nodes, written

_MODE = 0o644


def grant(files: PermissionFiles, folder: Path, uses: Uses, reader: Reader) -> Rules:
    """Let somebody use a folder; what its file then says.

    Raises:
        InvalidRequest: the file cannot be believed, or has rules that this cannot be said beside; it stays as it is then.
    """
    return _change(files, folder, lambda rules: _granted(rules, folder.name, uses, reader))


def revoke(files: PermissionFiles, folder: Path, uses: Uses, line: Collection[str]) -> list[str]:
    """Let somebody use a folder no more, nor any below; the names of the files below that were changed for that.

    Args:
        line: who it is, by all fingerprints that stand for it.

    Raises:
        InvalidRequest: the folder's file cannot be believed, or a rule that is about more than these uses allows them: nothing is
            changed then. Or a file below has such a rule: all others are changed then.
    """
    _revoke(files, folder, uses, line)
    changed, left = list[str](), list[str]()
    for held in list(allowing_below(files, folder, uses, line)):
        try:
            _revoke(files, files.root / held.folder, uses, line)
            changed.append(held.name)
        except (InvalidRequest, OSError) as error:
            left.append(str(error) if isinstance(error, InvalidRequest) else f"{held.name}: {error.strerror}")
    if left:
        also = f" (it is revoked in {', '.join(changed)})" if changed else ""
        raise InvalidRequest(f"is revoked, and not everywhere below{also}: {'; '.join(left)}", _name(files, folder))
    return changed


def allowing_below(files: PermissionFiles, folder: Path, uses: Uses, line: Collection[str]) -> Iterator[Held]:
    """The files below a folder that hold for theirs, and allow somebody some of these uses."""
    for path in sorted(folder.rglob(FILE_NAME)):
        held = files.holding(path.parent)
        if path.parent == folder or held is None or held.rules is None or held.folder != _name(files, path.parent):
            continue
        if any(held.rules.allowing(use, line) for use in uses.samples(rule.uses for rule in held.rules.use_rules)):
            yield held


def _revoke(files: PermissionFiles, folder: Path, uses: Uses, line: Collection[str]) -> None:
    _change(files, folder, lambda rules: _revoked(rules, _name(files, folder), uses, line))


def _name(files: PermissionFiles, folder: Path) -> str:
    return folder.relative_to(files.root).as_posix()


def _change(files: PermissionFiles, folder: Path, change: Callable[[Rules], Sequence[RuleTable | None]]) -> Rules:
    with _alone(folder):
        held = files.holding(folder)
        if held is not None and held.rules is None:
            raise InvalidRequest(f"is not changed, as it {held.problem}", held.name)
        path, own = folder / FILE_NAME, files.of(folder)
        if held is not None and held.rules is not None and held.rules.is_terminal and held is not own:
            raise InvalidRequest(f"holds for all folders below: grant and revoke for {held.folder or '.'}", held.name)
        # A folder that has none of its own begins with what holds for it: nobody is to lose or get what was not named.
        text = path.read_text(encoding="utf-8") if own is not None else _taken_over(held)
        rules = Rules.read(text)
        changed = edited(text, change(rules))
        if changed != text or own is None:
            _put(path, changed)
        return Rules.read(changed)


def _taken_over(held: Held | None) -> str:
    if held is None or held.rules is None:
        return ""
    return written({"rules": [rule for rule in held.rules.content.get("rules", []) if _is_ours(rule)]})


def _granted(rules: Rules, folder: str, uses: Uses, reader: Reader) -> list[RuleTable]:
    changed = _copied(rules)
    if not any(rule.uses == uses for rule in rules.use_rules):
        # It will decide alone: whoever is allowed the same by a rule about more is to be allowed it still.
        above = _nearest_above(rules, uses)
        others = [] if above is None else [str(each) for each in above.readers if each.who != reader.who]
        changed.append({"pattern": uses.pattern, "access": {"read": [*others, str(reader)]}})
    for rule in changed[: len(_copied(rules))]:
        if not _is_ours(rule) or not uses.covers(Uses.of(rule["pattern"])):
            continue
        if Uses.of(rule["pattern"]) == uses:
            _take_out(rule, {reader.who})
        if reader.who not in _named(rule):
            access = rule["access"]
            access["read"] = [*access.get("read", []), str(reader)]
    _refuse_other_than(changed, uses, {reader.who} - {"*"}, folder)
    return changed


def _refuse_other_than(changed: Sequence[RuleTable], uses: Uses, line: Collection[str], folder: str) -> None:
    after = Rules.read(written({"rules": list(changed)}))
    for use in uses.samples(rule.uses for rule in after.use_rules):
        if not after.allowing(use, line):
            rule = after.deciding(use)
            pattern = "" if rule is None else rule.uses.pattern
            raise InvalidRequest(
                f"the rule {pattern} decides some of that, and is about more: grant what that one is about, or change it",
                folder,
            )


def _revoked(rules: Rules, folder: str, uses: Uses, line: Collection[str]) -> list[RuleTable | None]:
    there = _copied(rules)
    changed: list[RuleTable | None] = [*there]
    for place, rule in enumerate(there):
        if _is_ours(rule) and uses.covers(Uses.of(rule["pattern"])) and _named(rule) & set(line):
            _take_out(rule, line)
            if not _named(rule) and not _meets_others(rules, Uses.of(rule["pattern"])):
                changed[place] = None
    left = Rules.read(written({"rules": [rule for rule in changed if rule is not None]}))
    for use in uses.samples(rule.uses for rule in left.use_rules):
        if still := left.allowing(use, line):
            decides = left.deciding(use)
            whole = uses if decides is None else decides.uses
            raise InvalidRequest(
                f"the rule {whole.pattern} would still allow it {use}; that one is revoked with: "
                f"{command('revoke', folder, still[0].who, whole)}",
                folder,
            )
    return changed


def _copied(rules: Rules) -> list[RuleTable]:
    return deepcopy(list(rules.content.get("rules", [])))


def _is_ours(rule: RuleTable | None) -> bool:
    return rule is not None and str(rule["pattern"]).startswith(PREFIX)


def _nearest_above(rules: Rules, uses: Uses) -> UseRule | None:
    """The rule that decides all of some uses as things stand; None where several do, or none."""
    deciding = [rules.deciding(use) for use in uses.samples(rule.uses for rule in rules.use_rules)]
    covering = [rule for rule in deciding if rule is not None and rule.uses.covers(uses)]
    return covering[0] if covering else None


def _meets_others(rules: Rules, uses: Uses) -> bool:
    return any(rule.uses != uses and rule.uses.meets(uses) for rule in rules.use_rules)


def _named(rule: RuleTable) -> set[str]:
    return {Reader.of(text).who for level in LEVELS for text in rule["access"].get(level, [])}


def _take_out(rule: RuleTable, line: Collection[str]) -> None:
    access = rule["access"]
    for level in LEVELS:
        if level in access:
            access[level] = [text for text in access[level] if Reader.of(text).who not in line]


def edited(text: str, rules: Sequence[RuleTable | None]) -> str:
    """The text of a permission file with other rules.

    Args:
        rules: those that there were, in their places, None for one that is to go, and further ones behind them.
    """
    before = Rules.read(text).content
    wanted = {**before, "rules": [rule for rule in rules if rule is not None]}
    if wanted == {"rules": [], **before}:
        return text
    with_care = _with_care(text, before, rules)
    if with_care is not None and _says(with_care, wanted):
        return with_care
    # Written in another layout than ours can be changed in: remarks at its head stay.
    lines = text.splitlines(keepends=True)
    head = next((number for number, line in enumerate(lines) if not line.startswith("#") and line.strip()), len(lines))
    return "".join(lines[:head]) + written(wanted)


def _says(text: str, wanted: Mapping[str, object]) -> bool:
    try:
        return Rules.read(text).content == wanted
    except InvalidRequest:
        return False


_Edit = tuple[int, int, list[str]]
"""Lines from one to before another, and what comes in their place."""


def _with_care(text: str, before: RulesTable, rules: Sequence[RuleTable | None]) -> str | None:
    """The text, changed where the rules are; None where it is not laid out so that this can be done."""
    if not before.get("rules"):
        return (
            text + ("" if text.endswith("\n") or not text else "\n") + written({"rules": list(rules)})
            if not before
            else None
        )
    listed = _value(nodes(text), "rules")
    if listed is None or listed.flow_style:
        return None
    if not any(rules):
        return (
            _edited(text, [(nodes(text).start_mark.line, _end(listed), ["rules: []\n"])]) if len(before) == 1 else None
        )
    edits: list[_Edit] = []
    column = " " * listed.start_mark.column
    for node, old, new in zip(listed.value, before["rules"], rules, strict=False):
        if new is None:
            edits.append((node.start_mark.line, _end(node), []))
        elif new != old:
            edits += _in_rule(node, old, new) or [(node.start_mark.line, _end(node), _lines([new], column))]
    further = [rule for rule in rules[len(before["rules"]) :] if rule is not None]
    end = _end(listed.value[-1])
    edits.append((end, end, _lines(further, column) if further else []))
    return _edited(text, edits)


def _edited(text: str, edits: Iterable[_Edit]) -> str:
    lines = [line if line.endswith("\n") else f"{line}\n" for line in text.splitlines(keepends=True)]
    for start, stop, instead in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        lines[start:stop] = instead
    return "".join(lines)


def _in_rule(node: Any, old: RuleTable, new: RuleTable) -> list[_Edit]:
    """The changes of one rule's readers; none where they are not one to a line."""
    edits: list[_Edit] = []
    access = _value(node, "access")
    for level in LEVELS:
        were, are = old["access"].get(level, []), new["access"].get(level, [])
        if were == are:
            continue
        listed = None if access is None else _value(access, level)
        if listed is None or listed.flow_style or not were or not are:
            return []
        for reader, text in zip(listed.value, were, strict=True):
            if text not in are:
                edits.append((reader.start_mark.line, _end(reader), []))
        added = [text for text in are if text not in were]
        end = _end(listed.value[-1])
        edits.append((end, end, _lines(added, " " * listed.start_mark.column) if added else []))
    return edits


def _value(node: Any, name: str) -> Any:
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _end(node: Any) -> int:
    """The line behind a node's last one; what a reader of YAML takes for its end is where the next one begins."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.line) + 1
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _lines(content: Sequence[object], column: str) -> list[str]:
    return [f"{column}{line}\n" for line in written(list(content)).splitlines()]


def _put(path: Path, text: str) -> None:
    """Whole or not at all, for whoever could read it before."""
    mode = path.stat().st_mode & 0o777 if path.is_file() else _MODE
    # Hidden, and so no part of the data meanwhile.
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, mode)
        file.write(text)
    draft.replace(path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Of two commands one waits for the other, so that neither's change is lost."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
