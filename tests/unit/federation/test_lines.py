"""Where keys stand in a TOML text."""

from __future__ import annotations

from synergos.federation.lines import Lines

TEXT = '''\
# one
[collaboration]
id = "heart"

[participants."st. mary"]
nodes = [
  { host = "a", port = 1 },  # [not.a.header]
  { host = "b", port = 2 },
]
summary = """
[neither]
rounds = 3
"""

[experiments.net]
family = "layers"
[[experiments.net.model]]
l_type = "Linear"
structure = { in_features = 3 }
[[experiments.net.model]]
l_type = "Linear"
[experiments.net.model.structure]
bias = true
[experiments.net.runs]
first.rounds = 3
'''


def test_keys_are_found_at_their_lines() -> None:
    lines = Lines(TEXT)

    assert [lines.of(field) for field in ("collaboration", "collaboration.id")] == [2, 3]
    assert lines.of("participants.st. mary.summary") == 10
    assert lines.of("experiments.net.runs.first.rounds") == 25


def test_what_lies_in_a_value_of_several_lines_has_its_own_line() -> None:
    lines = Lines(TEXT)

    assert lines.of("participants.st. mary.nodes") == 6
    assert lines.of("participants.st. mary.nodes[0].port") == 7
    assert lines.of("participants.st. mary.nodes[1].host") == 8


def test_lists_of_tables_are_told_apart() -> None:
    lines = Lines(TEXT)

    assert lines.of("experiments.net.model[0].l_type") == 18
    assert lines.of("experiments.net.model[0].structure.in_features") == 19
    assert lines.of("experiments.net.model[1].l_type") == 21
    assert lines.of("experiments.net.model[1].structure.bias") == 23


def test_what_is_missing_is_where_it_belongs() -> None:
    lines = Lines(TEXT)

    assert lines.of("participants.st. mary.nodes[1].f_port") == 8
    assert lines.of("experiments.net.model[1].activation") == 20
    assert lines.of("project.id") is None
    assert lines.of("") is None
