"""How to use the portal, and what words mean."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from synergos_portal.web.words import lazy

pages = Blueprint("manual", __name__, url_prefix="/help")

WORDS = (
    (
        lazy("Collaboration"),
        lazy("Organisations that work together. It has projects, and says where its tracking, logs and queue are."),
    ),
    (
        lazy("Project"),
        lazy("One question that a collaboration asks of its data: to tell classes apart, or to estimate a number."),
    ),
    (
        lazy("Participant"),
        lazy("An organisation with data of its own. It registers for projects, and its rows never leave it."),
    ),
    (
        lazy("Node"),
        lazy("One worker of a participant: the program that reads its data and trains on it, at an address."),
    ),
    (lazy("Registration"), lazy("That a participant takes part in a project, and with which nodes.")),
    (lazy("Tags"), lazy("Which folders of a participant's data are for training, evaluating and predicting.")),
    (
        lazy("Alignment"),
        lazy("Participants agree on one form of their data, without showing it. It comes before any training."),
    ),
    (lazy("Experiment"), lazy("One model: its layers.")),
    (lazy("Run"), lazy("One set of hyperparameters of an experiment; it is trained to a model.")),
    (
        lazy("Round"),
        lazy(
            "All participants train a while where they are, and what they have learnt is put together to a new model."
        ),
    ),
    (lazy("Job"), lazy("Something that an orchestrator does when it is asked: align, train, validate, predict.")),
    (lazy("Study"), lazy("A search for good hyperparameters by many trials.")),
    (
        lazy("Orchestrator"),
        lazy("The program that all of this is asked of: the TTP of a single grid, or the director of a cluster."),
    ),
    (lazy("TTP"), lazy("The trusted third party: the program that conducts the rounds. It sees no rows.")),
    (
        lazy("Grid"),
        lazy("A TTP and the workers that it reaches. A cluster has several, and a queue of jobs before them."),
    ),
    (
        lazy("Validation"),
        lazy("How good a model is on data that it was not trained with, participant by participant and together."),
    ),
    (
        lazy("Prediction"),
        lazy("What a model says of a participant's own data. The result stays on that participant's disk."),
    ),
    (
        lazy("Lineage"),
        lazy(
            "Of a model: the data, the agreement, the layers and the job that it came from, and what was done with it."
        ),
    ),
    (
        lazy("Command Station"),
        lazy("The page with the windows of other programs: MLflow, logs, the queue, and pages of this portal."),
    ),
)
"""Words of federated learning as the pages use them, each with what it means."""


@pages.get("")
def manual() -> ResponseReturnValue:
    """The way from an empty grid to a model, and what to do when something fails."""
    return render_template("manual.html", words=())


@pages.get("/words")
def words() -> ResponseReturnValue:
    """The glossary."""
    return render_template("manual.html", words=sorted(WORDS, key=lambda word: str(word[0]).casefold()))
