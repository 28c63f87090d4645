"""Who is granted or revoked what stands in the file, and the rest of the file is as its owner has written it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos.permission.editing import grant, revoke
from synergos.permission.folders import PermissionFiles
from synergos.permission.use import FILE_NAME, Reader, Use, Uses

ONE, TWO = "1" * 64, "ab" * 32
ONES = f"""\
# Whoever reads this: ask the ethics board first.
rules:
  # The consortium's first study.
  - pattern: synergos/heart/risk/train
    access:
      read:
        - {TWO}   # until 2027
  # People of ours.
  - pattern: "**/*.csv"
    access: {{read: [alice@example.com]}}
terminal: false  # as always
"""


@pytest.fixture
def files(tmp_path: Path) -> PermissionFiles:
    (tmp_path / "heart").mkdir()
    return PermissionFiles(tmp_path)


def heart(files: PermissionFiles) -> Path:
    return files.root / "heart"


def text(files: PermissionFiles) -> str:
    return (heart(files) / FILE_NAME).read_text()


def allowed(files: PermissionFiles, who: str, collaboration: str = "heart", project: str = "risk") -> list[str]:
    held = files.of(heart(files))
    assert held is not None
    assert held.rules is not None
    return [
        purpose.value
        for purpose in Purpose
        if held.rules.allowing(Use(ProjectKey(collaboration, project), purpose), {who})
    ]


def test_a_first_grant_makes_the_file(files: PermissionFiles) -> None:
    grant(files, heart(files), Uses("heart", "risk", "train"), Reader("1" * 64, 3))

    assert text(files) == (
        f"rules:\n- pattern: synergos/heart/risk/train\n  access:\n    read:\n    - {ONE} at most 3 a day\n"
    )
    assert [allowed(files, who) for who in (ONE, TWO)] == [["train"], []]
    assert stat.S_IMODE((heart(files) / FILE_NAME).stat().st_mode) == 0o644


def test_remarks_and_rules_of_others_stay(files: PermissionFiles) -> None:
    (heart(files) / FILE_NAME).write_text(ONES)
    (heart(files) / FILE_NAME).chmod(0o640)

    grant(files, heart(files), Uses("heart", "risk", "train"), Reader(ONE))
    grant(files, heart(files), Uses("lung"), Reader(ONE))

    lines = text(files).splitlines()
    assert [line for line in ONES.splitlines() if line not in lines] == []
    assert len(lines) == len(ONES.splitlines()) + 5
    assert (allowed(files, ONE), allowed(files, ONE, "lung")) == (["train"], list(Purpose))
    assert stat.S_IMODE((heart(files) / FILE_NAME).stat().st_mode) == 0o640

    revoke(files, heart(files), Uses("lung"), {ONE})
    revoke(files, heart(files), Uses("heart"), {ONE})

    assert text(files) == ONES


def test_a_file_laid_out_otherwise_keeps_what_it_says_and_the_remarks_at_its_head(files: PermissionFiles) -> None:
    (heart(files) / FILE_NAME).write_text("# ours\nrules: [{pattern: '*.csv', access: {write: [bob@example.com]}}]\n")

    grant(files, heart(files), Uses(), Reader("*"))

    assert text(files).startswith("# ours\n")
    assert "bob@example.com" in text(files)
    assert allowed(files, ONE) == list(Purpose)


def test_another_limit_takes_the_place_of_the_one_before(files: PermissionFiles) -> None:
    for most in (3, None, 5):
        grant(files, heart(files), Uses(), Reader(ONE, most))

    assert text(files).count(ONE) == 1
    assert f"{ONE} at most 5 a day" in text(files)


def test_a_rule_about_less_keeps_what_one_about_more_has_allowed(files: PermissionFiles) -> None:
    grant(files, heart(files), Uses(), Reader(TWO))
    grant(files, heart(files), Uses("heart", "risk", "train"), Reader(ONE))

    assert (allowed(files, ONE), allowed(files, TWO)) == (["train"], list(Purpose))


def test_a_grant_of_more_is_one_for_the_rules_about_less(files: PermissionFiles) -> None:
    grant(files, heart(files), Uses("heart", "risk", "train"), Reader(TWO))
    grant(files, heart(files), Uses(), Reader(ONE))

    assert (allowed(files, ONE), allowed(files, TWO)) == (list(Purpose), ["train"])


def test_a_grant_that_could_not_be_made_use_of_is_refused(files: PermissionFiles) -> None:
    # Of two rules that are as specific the first decides where both fit.
    grant(files, heart(files), Uses("*", "risk", "train"), Reader(TWO))
    before = text(files)

    with pytest.raises(InvalidRequest, match=r"synergos/\*/risk/train decides some of that"):
        grant(files, heart(files), Uses("heart", "*", "train"), Reader(ONE))
    assert text(files) == before


def test_what_is_revoked_is_allowed_by_no_other_rule(files: PermissionFiles) -> None:
    grant(files, heart(files), Uses(), Reader(ONE))
    before = text(files)

    with pytest.raises(InvalidRequest, match=f"synergos permission revoke heart {ONE}$"):
        revoke(files, heart(files), Uses("heart", "risk"), {ONE})
    assert text(files) == before
    revoke(files, heart(files), Uses(), {ONE})
    assert allowed(files, ONE) == []


def test_whoever_may_with_everybody_is_not_revoked_alone(files: PermissionFiles) -> None:
    grant(files, heart(files), Uses(), Reader("*"))

    with pytest.raises(InvalidRequest, match=r"revoked with: synergos permission revoke heart '\*'"):
        revoke(files, heart(files), Uses(), {ONE})


def test_a_revocation_allows_nobody_else_anything(files: PermissionFiles) -> None:
    grant(files, heart(files), Uses("heart", "risk", "train"), Reader(ONE))
    (heart(files) / FILE_NAME).write_text(f"{text(files)}- pattern: synergos/heart/*/*\n  access: {{read: [{TWO}]}}\n")

    revoke(files, heart(files), Uses("heart", "risk", "train"), {ONE})

    assert allowed(files, TWO) == ["evaluate", "predict"]


def test_a_file_of_no_rules_more_still_denies_what_is_unlisted(files: PermissionFiles) -> None:
    (heart(files) / FILE_NAME).write_text(f"# ours\nrules:\n- pattern: synergos/*/*/*\n  access: {{read: ['{ONE}']}}\n")

    revoke(files, heart(files), Uses(), {ONE})

    assert text(files) == "# ours\nrules: []\n"


def test_who_was_renewed_is_revoked_by_any_of_its_fingerprints(files: PermissionFiles) -> None:
    grant(files, heart(files), Uses(), Reader(ONE))

    revoke(files, heart(files), Uses(), {ONE, TWO})

    assert allowed(files, ONE) == []


def test_a_file_that_cannot_be_believed_is_not_written_over(files: PermissionFiles) -> None:
    (heart(files) / FILE_NAME).write_text("rules: [")

    with pytest.raises(InvalidRequest, match="is not changed"):
        grant(files, heart(files), Uses(), Reader(ONE))
    assert text(files) == "rules: ["


def test_a_link_is_not_written_through(files: PermissionFiles) -> None:
    (files.root / "elsewhere").write_text("rules: []")
    (heart(files) / FILE_NAME).symlink_to(files.root / "elsewhere")

    with pytest.raises(InvalidRequest, match="is a link"):
        grant(files, heart(files), Uses(), Reader(ONE))
    assert (files.root / "elsewhere").read_text() == "rules: []"


def test_a_folder_that_has_no_file_of_its_own_begins_with_what_holds_for_it(files: PermissionFiles) -> None:
    (heart(files) / "train").mkdir()
    grant(files, heart(files), Uses("heart"), Reader(ONE))
    grant(files, heart(files), Uses("heart"), Reader(TWO))

    revoke(files, heart(files) / "train", Uses(), {ONE})

    of_train = PermissionFiles(files.root / "heart" / "train")
    held = of_train.holding(of_train.root)
    assert held is not None
    assert held.rules is not None
    assert [reader.who for rule in held.rules.use_rules for reader in rule.readers] == [TWO]
    assert (allowed(files, ONE), allowed(files, TWO)) == (list(Purpose), list(Purpose))


def test_what_a_file_above_says_for_all_below_is_changed_there(files: PermissionFiles) -> None:
    (heart(files) / "train").mkdir()
    (heart(files) / FILE_NAME).write_text("terminal: true\n")

    with pytest.raises(InvalidRequest, match=r"heart/syft\.pub\.yaml: holds for all folders below.*for heart"):
        grant(files, heart(files) / "train", Uses(), Reader(ONE))
    assert not (heart(files) / "train" / FILE_NAME).exists()


def below(files: PermissionFiles, *names: str) -> list[Path]:
    """Folders below, with files of their own."""
    found = [heart(files) / name for name in names]
    for folder in found:
        folder.mkdir()
        grant(files, folder, Uses(), Reader(ONE))
    return found


def test_what_is_revoked_is_allowed_by_no_file_below(files: PermissionFiles) -> None:
    grant(files, heart(files), Uses(), Reader(ONE))
    train, evaluate, other = below(files, "train", "evaluate", "other")
    grant(files, train, Uses(), Reader(TWO))
    (other / FILE_NAME).write_text("rules: [")

    changed = revoke(files, heart(files), Uses(), {ONE})

    assert changed == ["heart/evaluate/syft.pub.yaml", "heart/train/syft.pub.yaml"]
    assert ONE not in (train / FILE_NAME).read_text() + (evaluate / FILE_NAME).read_text()
    assert TWO in (train / FILE_NAME).read_text()
    assert revoke(files, heart(files), Uses(), {ONE}) == []


def test_a_file_below_that_would_still_allow_it_is_named_with_the_command(files: PermissionFiles) -> None:
    grant(files, heart(files), Uses("heart", "risk"), Reader(ONE))
    train, evaluate = below(files, "train", "evaluate")
    grant(files, train, Uses(), Reader("*"))
    revoke(files, evaluate, Uses(), {ONE})
    grant(files, evaluate, Uses("heart", "risk"), Reader(ONE))

    with pytest.raises(
        InvalidRequest, match=r"revoked in heart/evaluate/syft.*permission revoke heart/train"
    ) as raised:
        revoke(files, heart(files), Uses("heart", "risk"), {ONE})

    assert str(raised.value).startswith("heart: is revoked")
    assert (allowed(files, ONE), ONE in (evaluate / FILE_NAME).read_text()) == ([], False)
