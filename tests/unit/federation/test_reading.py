"""What a project file may say, and how mistakes in one are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from synergos.errors import InvalidRequest, RecordNotFound, UnknownName
from synergos.federation import Federation, find_federation, read_federation
from synergos.federation.shape import published
from synergos.federation.template import TEMPLATE

PUBLISHED = Path(__file__).parents[3] / "docs" / "schemas" / "federation.schema.json"
SMALL = """\
[collaboration]
id = "c"
[project]
id = "p"
action = "classify"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "federation.toml"


def read(file: Path, text: str) -> Federation:
    file.write_text(text, encoding="utf-8")
    return read_federation(file)


def mistake(file: Path, text: str) -> str:
    with pytest.raises(InvalidRequest) as refused:
        read(file, text)
    return str(refused.value).replace(f"{file.parent}/", "")


def test_the_template_is_a_project_file(file: Path) -> None:
    federation = read(file, TEMPLATE)

    assert federation.project == {"collab_id": "heart", "project_id": "risk"}
    assert list(federation.participants) == ["hospital_1", "hospital_2"]
    assert [run.ids for run in federation.runs] == [("heart", "risk", "logistic", "first")]
    assert federation.to_predict == {"hospital_1": [["predict"]]}


@pytest.mark.parametrize(
    "commented",
    [
        'mlops = { host = "mlflow.example.org", ports = { main = 5500 } }',
        "incentives = { tier_1 = [], tier_2 = [] }",
        'summary = "Cardiology"',
        'email = "data@hospital-1.example.org"',
        '[alignment]\n# unseen = "refuse"',
        '[alignment]\n# unseen = "refuse"                 # rows with levels that no training row has; otherwise they count as missing\n# auto_fix = false',
    ],
)
def test_what_the_template_has_as_comments_may_be_said(file: Path, commented: str) -> None:
    assert f"# {commented}" in TEMPLATE

    read(file, TEMPLATE.replace(f"# {commented}", commented.replace("\n# ", "\n")))


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            'action = "classify"',
            'action = "classification"',
            "line 19: project.action: 'classification' is not one of regress, classify; did you mean classify?",
        ),
        (
            "f_port = 5000 }]",
            "fport = 5000 }]",
            "line 43: participants.hospital_2.nodes[0].fport: 'fport' is not a known field; did you mean f_port or port?",
        ),
        ("[project]", "[projekt]", "line 17: projekt: 'projekt' is not a known field; did you mean project?"),
        (
            "rounds = 20",
            "rounds = 2.5",
            "line 66: experiments.logistic.runs.first.rounds: expected a whole number, got 2.5",
        ),
        (
            "lr = 0.05",
            "lr = nan",
            "line 68: experiments.logistic.runs.first.lr: expected a finite number, got nan",
        ),
        (
            "batch_size = 32",
            'run_id = "first"',
            "line 69: experiments.logistic.runs.first.run_id: is no hyperparameter; a run's id is the name of its table",
        ),
        (
            'train = [["train"]]\n',
            'train = [["..", "train"]]\n',
            "line 38: participants.hospital_1.tags.train[0][0]: '..' would leave the data folder; expected the plain name of a folder",
        ),
        (
            'base_run = "first"',
            'base_run = "frist"',
            "line 73: experiments.logistic.studies.rates.base_run: 'frist' is not a run of this experiment; did you mean first?",
        ),
        (
            'train = [["train"]]\n',
            'train = ["heart", "train"]\n',
            "line 38: participants.hospital_1.tags.train: expected a list of folders, each a list of names; write [['heart', 'train']], "
            "or [['heart'], ['train']] for several folders for ['heart', 'train']",
        ),
        (
            "f_port = 5000 }]",
            'f_port = 5000 }, { host = "10.0.0.12", port = 1, f_port = 5000 }]',
            "line 43: participants.hospital_2.nodes[1]: is the same worker as participants.hospital_2.nodes[0]; "
            "expected one for each sub-grid",
        ),
        (
            'host = "10.0.0.11"',
            'host = "http://10.0.0.11"',
            "line 32: participants.hospital_1.nodes[0].host: expected a name or an address alone, as worker.example.org or 10.0.0.11: "
            "no http:// before it, and no port behind it, which port and f_port say, got 'http://10.0.0.11'",
        ),
        ('[collaboration]\nid = "heart"', "[collaboration]", "line 12: collaboration.id: is required"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_was_meant(file: Path, right: str, wrong: str, told: str) -> None:
    assert right in TEMPLATE

    assert mistake(file, TEMPLATE.replace(right, wrong, 1)) == f"federation.toml, {told}"


def test_an_id_that_cannot_be_one_is_refused(file: Path) -> None:
    told = mistake(file, SMALL + '[participants."a/b"]\nnodes = [{ host = "h", port = 1, f_port = 2 }]\n')

    assert told.startswith("federation.toml, line 6: participants.a/b: 'a/b' is not a usable id")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("aux", "'aux' is the name of a device"),
        ("漢" * 67, "expected at most 200 bytes"),
        ("HOSPITAL", "'HOSPITAL' cannot be told from 'hospital'"),
    ],
)
def test_an_id_that_an_orchestrator_would_refuse_is_refused_here(file: Path, name: str, told: str) -> None:
    nodes = 'nodes = [{ host = "h", port = 1, f_port = 2 }]\n'
    text = SMALL + f"[participants.hospital]\n{nodes}" + f'[participants."{name}"]\n{nodes}'

    assert f"participants.{name}: {told}" in mistake(file, text)


def test_what_is_no_toml_is_told_with_its_line(file: Path) -> None:
    assert (
        mistake(file, "[collaboration]\nid = \n") == "federation.toml is not TOML: invalid value (at line 2, column 6)"
    )


def test_what_is_no_text_is_told(file: Path) -> None:
    file.write_bytes(b"\xff\xfe[")

    with pytest.raises(InvalidRequest, match=r"federation.toml is not UTF-8 text"):
        read_federation(file)


def test_layers_runs_and_spaces_may_be_json_files_beside_it(file: Path) -> None:
    held: dict[str, Any] = {
        "architecture.json": [{"is_input": True, "l_type": "Linear", "structure": {}, "activation": ""}],
        "hyperparameters.json": {"rounds": 3, "momentum": 0.9},
        "ranges.json": {"lr": {"_type": "choice", "_value": [0.1]}},
    }
    for name, content in held.items():
        (file.parent / name).write_text(json.dumps(content))

    federation = read(
        file,
        SMALL
        + """\
[experiments.net]
model = "architecture.json"
runs = { first = "hyperparameters.json", second = { rounds = 5 } }
studies.wide = { search_space = "ranges.json", metric = "accuracy" }
""",
    )

    net = federation.experiments["net"]
    assert net["model"] == held["architecture.json"]
    assert net["runs"] == {"first": held["hyperparameters.json"], "second": {"rounds": 5}}
    assert federation.study()[1]["search_space"] == held["ranges.json"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "architecture.json cannot be read: No such file or directory"),
        (
            "[{]",
            "architecture.json is not JSON: Expecting property name enclosed in double quotes: line 1 column 3 (char 2)",
        ),
        ('{"l_type": "Linear"}', "expected a list or a string, got an object"),
        ('[{"l_type": 3}]', "expected a string, got 3"),
    ],
)
def test_a_mistake_in_a_json_file_is_told_where_it_is_named(file: Path, content: str | None, told: str) -> None:
    if content is not None:
        (file.parent / "architecture.json").write_text(content)

    message = mistake(file, SMALL + '[experiments.net]\nmodel = "architecture.json"\n')

    assert message.startswith("federation.toml, line 7: experiments.net.model")
    assert message.endswith(told)


def test_moments_are_as_json_has_them(file: Path) -> None:
    federation = read(file, SMALL + "start_at = 2026-01-31\n")

    assert federation.content["project"]["start_at"] == "2026-01-31"


def test_a_study_is_named_where_there_are_several(file: Path) -> None:
    two = "\n".join(
        f'[experiments.net.studies.{name}]\nmetric = "accuracy"\nsearch_space = {{}}' for name in ("wide", "narrow")
    )
    federation = read(file, f'{SMALL}[experiments.net]\nmodel = [{{ l_type = "Linear" }}]\n{two}\n')

    assert federation.study("narrow")[0].ids == ("c", "p", "net")
    with pytest.raises(InvalidRequest, match="expected the name of one of its studies: wide, narrow"):
        federation.study()
    with pytest.raises(UnknownName, match="did you mean narrow"):
        federation.study("narow")


def test_the_file_of_this_folder_is_found_unless_another_is_named(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert find_federation() is None
    with pytest.raises(RecordNotFound, match=r"there is no file other.toml; synergos init writes one"):
        find_federation(Path("other.toml"))
    file.write_text(SMALL)
    (tmp_path / "other.toml").write_text(SMALL.replace('"c"', '"other"'))
    here, other = find_federation(), find_federation(Path("other.toml"))
    assert here is not None
    assert other is not None
    assert (here.project.collab_id, other.project.collab_id) == ("c", "other")


def test_the_schema_is_published() -> None:
    told = "synergos init --schema > docs/schemas/federation.schema.json"

    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == published(), told


def test_the_published_schema_takes_the_template(file: Path) -> None:
    jsonschema.Draft202012Validator(published()).validate(read(file, TEMPLATE).content)
