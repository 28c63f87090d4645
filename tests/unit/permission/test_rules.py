"""What a file of permissions says: as its library reads it, and nothing that the library would read past."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import syft_permissions
from syft_permissions import AccessLevel, ACLRequest, ACLService, User

from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos.permission.folders import PermissionFiles
from synergos.permission.judging import Unlisted, granting, judge
from synergos.permission.rules import Rules
from synergos.permission.use import FILE_NAME, Reader, Use, Uses

ONE, TWO = "1" * 64, "ab" * 32
RULES = f"""\
rules:
- pattern: synergos/*/*/*
  access:
    read: ["{TWO}"]
- pattern: synergos/heart/*/train
  access:
    read: ["{ONE}"]
- pattern: synergos/heart/risk/*
  access: {{admin: ["{TWO}"], read: ['*']}}
- pattern: '**/*.csv'
  access: {{read: [alice@example.com, '*']}}
"""


def use(collaboration: str = "heart", project: str = "risk", purpose: Purpose = Purpose.TRAIN) -> Use:
    return Use(ProjectKey(collaboration, project), purpose)


def test_the_file_is_called_as_its_library_calls_it() -> None:
    assert FILE_NAME == syft_permissions.PERMISSION_FILE_NAME


def test_what_is_allowed_is_what_the_library_allows(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE_NAME).write_text(RULES)
    service = ACLService(owner="owner@example.com")
    service.load_permissions_from_filesystem(tmp_path)
    rules = Rules.read(RULES)
    asked = [
        (use(*where), who)
        for where in itertools.product(("heart", "lung"), ("risk", "other"), Purpose)
        for who in (ONE, TWO, "3" * 64)
    ]

    ours = [bool(rules.allowing(each, {who})) for each, who in asked]
    theirs = [service.can_access(ACLRequest(f"data/{each.path}", AccessLevel.READ, User(who))) for each, who in asked]

    assert ours == theirs
    assert set(ours) == {True, False}


def test_the_most_specific_rule_decides_alone() -> None:
    rules = Rules.read(RULES)
    cases = {
        ("lung", ONE): False,
        ("lung", TWO): True,
        ("heart", ONE): True,
        ("heart", TWO): False,
    }

    assert {
        (collaboration, who): bool(rules.allowing(use(collaboration, "other"), {who})) for collaboration, who in cases
    } == cases


def test_a_rule_of_files_is_about_no_use() -> None:
    rules = Rules.read("rules: [{pattern: '**', access: {read: ['*']}}]")

    assert rules.deciding(use()) is None
    assert rules.allowing(use(), {ONE}) == []


def test_whoever_has_not_shown_who_it_is_is_everybody_and_nobody_else() -> None:
    assert [reader.who for reader in Rules.read(RULES).allowing(use(purpose=Purpose.PREDICT), ())] == ["*"]
    assert Rules.read(RULES).allowing(use("lung"), ()) == []


def test_how_often_a_day_stands_behind_who() -> None:
    text = f"rules: [{{pattern: synergos/*/*/train, access: {{read: ['{ONE} at most 3 a day', '*']}}}}]"

    assert Rules.read(text).allowing(use(), {ONE}) == [Reader(ONE, 3), Reader("*")]


RULE = "rules:\n- pattern: synergos/*/*/*\n  access:\n    read: {}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: {", "is not YAML"),
        ("a: &a [1]\nrules: *a", "neither anchors"),
        ("rules: []\nrules: []", "no name twice in line 1"),
        ("rule: []", "nothing but rules, terminal"),
        ("[]", "expected rules, terminal"),
        ("rules: 5", "expected a list"),
        ("rules: null", "expected a list"),
        ("terminal: perhaps", "terminal"),
        ("rules: [{pattern: x}]", "rules.0.access"),
        ("rules: [{pattern: x, acess: {}}]", "nothing but access, pattern"),
        ("rules: [{pattern: x, access: {reads: []}}]", "nothing but admin, read, write"),
        ("rules: [{pattern: 'x{{.Year}}', access: {}}]", "rules.0"),
        ("rules: [{pattern: synergos/heart/train, access: {}}]", "rules.0: pattern: expected synergos/"),
        ("rules: [{pattern: synergos/**, access: {}}]", "rules.0"),
        ("rules: [{pattern: synergos/he*/x/train, access: {}}]", "rules.0: collaboration"),
        ("rules: [{pattern: synergos/x/y/learn, access: {}}]", "rules.0: purpose"),
        (RULE.format("[alice@example.com]"), "rules.0.access.read.0: expected a fingerprint"),
        (RULE.format(f"['{ONE[:20]}*']"), "rules.0.access.read.0"),
        (RULE.format(f"['{ONE} at most 0 a day']"), "rules.0.access.read.0"),
        (RULE.format("[USER]"), "rules.0.access.read.0"),
        (RULE.format("[1]"), "rules.0.access.read.0"),
        (RULE.format("[]") + RULE.format("[]").removeprefix("rules:\n"), "no pattern twice"),
        ("rules: " + "[" * 1000, "is not YAML"),
        ("rules:\n" + "- {pattern: x, access: {}}\n" * 501, "at most 500 rules"),
        ("# " + "x" * 2**16, "at most 65536 bytes"),
        ("a: 2001-99-99", "is not YAML"),
        ("!!python/object/apply:os.system [x]", "is not YAML in line 1"),
        ("? [a]\n: b", "no name twice"),
    ],
)
def test_what_is_no_such_file_is_refused_and_says_where(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Rules.read(text)

    assert said in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "rules: []", "terminal: true"])
def test_a_file_without_rules_allows_nobody(text: str) -> None:
    assert Rules.read(text).allowing(use(), {ONE}) == []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "heart" / "train" / "scans").mkdir(parents=True)
    return tmp_path


def put(folder: Path, text: str = RULES) -> Path:
    (folder / FILE_NAME).write_text(text)
    return folder / FILE_NAME


def holding(root: Path, folder: str = "heart/train") -> str | None:
    held = PermissionFiles(root).holding(root.resolve() / folder)
    return None if held is None else held.folder


def test_the_nearest_file_holds_unless_one_above_is_terminal(root: Path) -> None:
    assert holding(root) is None
    put(root)
    assert holding(root) == ""
    put(root / "heart" / "train")
    assert [holding(root), holding(root, "heart/train/scans"), holding(root, "heart")] == ["heart/train"] * 2 + [""]
    put(root / "heart", "terminal: true")
    assert [holding(root), holding(root, "heart/train/scans")] == ["heart"] * 2


def test_one_above_that_cannot_be_believed_may_be_terminal(root: Path) -> None:
    put(root, "rules: [")
    put(root / "heart" / "train")

    assert holding(root) == ""


def test_a_file_that_has_changed_is_read_again(root: Path) -> None:
    files = PermissionFiles(root)
    put(root / "heart", "rules: []")
    before = files.of(root / "heart")
    put(root / "heart")
    after = files.of(root / "heart")
    (root / "heart" / FILE_NAME).unlink()

    assert before is not None
    assert after is not None
    assert [before.rules == Rules.read("rules: []"), after.rules == Rules.read(RULES)] == [True, True]
    assert files.of(root / "heart") is None


def linked(root: Path) -> None:
    (root / "heart" / FILE_NAME).symlink_to(put(root / "heart" / "train"))


def piped(root: Path) -> None:
    os.mkfifo(root / "heart" / FILE_NAME)


def made_a_folder(root: Path) -> None:
    (root / "heart" / FILE_NAME).mkdir()


def huge(root: Path) -> None:
    with (root / "heart" / FILE_NAME).open("wb") as file:
        file.truncate(2**40)


def other_text(root: Path) -> None:
    (root / "heart" / FILE_NAME).write_bytes(RULES.encode("utf-16"))


def broken(root: Path) -> None:
    put(root / "heart", "rules: [")


@pytest.mark.parametrize(
    "hostile", [linked, piped, made_a_folder, huge, other_text, broken], ids=lambda made: made.__name__
)
def test_a_file_that_cannot_be_believed_allows_nobody_whatever_holds_otherwise(
    root: Path, hostile: Callable[[Path], None]
) -> None:
    hostile(root)
    held = PermissionFiles(root).holding(root.resolve() / "heart")

    found = judge(held, use(), frozenset({TWO}), Unlisted.ALLOW)

    assert not found.is_allowed
    assert "cannot be believed" in found.reason


@pytest.mark.parametrize("unlisted", list(Unlisted))
def test_a_folder_that_no_file_says_anything_of_is_the_workers_affair(unlisted: Unlisted) -> None:
    found = judge(None, use(), frozenset({ONE}), unlisted)

    assert found.is_allowed is (unlisted is Unlisted.ALLOW)
    assert f"--unlisted {unlisted}" in found.reason


def test_the_command_that_would_allow_something_can_be_typed_as_it_is() -> None:
    project = ProjectKey("my heart", "risk (2)")

    assert granting("a b/c", ONE, Use(project, Purpose.PREDICT)) == (
        f"synergos permission grant 'a b/c' {ONE} --collaboration 'my heart' --project 'risk (2)' --purpose predict"
    )


def test_which_uses_are_among_others() -> None:
    assert Uses("heart").covers(Uses("heart", "risk", "train"))
    assert not Uses("heart", "risk").covers(Uses("heart"))
    assert Uses("heart", "*", "train").meets(Uses("*", "risk", "*"))
    assert not Uses("heart").meets(Uses("lung"))
