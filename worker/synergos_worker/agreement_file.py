"""What its participants agreed on, as a file beside a project's predictions: for the owner of the data to read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from synergos.domain.feature_space import FeatureSpace
from synergos.domain.keys import ProjectKey
from synergos.errors import GridError

NAME = "agreement.json"


def write_agreement(outputs: Path, project: ProjectKey, agreement: Mapping[str, object], space: FeatureSpace) -> Path:
    """Write this participant's part of an agreement, and the feature space as it was told it; the path.

    Raises:
        GridError: it cannot be written, for instance because the disk is full.
    """
    path = project.folder(outputs) / NAME
    draft = path.with_name(f".{NAME}-{uuid4().hex}")
    text = json.dumps({"agreement": agreement, "feature_space": space.to_dict()}, indent=2, ensure_ascii=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise GridError(f"{NAME} could not be written: {error.strerror or type(error).__name__}") from error
    return path
