"""One notebook: the federated cycle of one dataset on one kind of grid, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebook_source.grids import Grid
from notebook_source.stories import Story
from synergos_simulator.datasets import Dataset

TUNED = ("lr", "mu")
"""What the tuning step looks for: few, because it tries few."""


@dataclass(frozen=True)
class Step:
    """A heading with what there is to say, and the code that follows.

    Attributes:
        name: the name of the code's cell, and its tag where it has one.
    """

    name: str
    text: str
    code: str
    is_tagged: bool = False

    def cells(self) -> list[NotebookNode]:
        """As a notebook holds it; the names of cells are the same every time."""
        metadata = {"tags": [self.name]} if self.is_tagged else {}
        return [
            new_markdown_cell(self.text, id=f"about-{self.name}"),
            new_code_cell(self.code, id=self.name, metadata=metadata),
        ]


@dataclass(frozen=True)
class Notebook:
    """What goes into a notebook.

    Attributes:
        search_space: of the dataset, as a study wants it.
    """

    story: Story
    grid: Grid
    dataset: Dataset
    search_space: Mapping[str, Any]

    def build(self) -> NotebookNode:
        """The notebook, without outputs; its code is not formatted yet."""
        cells = [new_markdown_cell(self._opening(), id="opening")]
        for step in self._steps():
            cells += step.cells()
        cells.append(new_markdown_cell(_CLOSING, id="closing"))
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
        notebook: NotebookNode = new_notebook(cells=cells, metadata=metadata)
        return notebook

    def _steps(self) -> Iterator[Step]:
        yield self._addresses()
        yield Step("driver", _DRIVER, self._driver())
        yield Step("collaboration", self._about_collaboration(), self._collaboration())
        yield Step("project", _PROJECT, self._project())
        yield Step("experiment", f"{_EXPERIMENT}\n\n{self.story.network}", self._experiment())
        yield Step("run", _RUN, self._run())
        yield Step("registrations", self._about_registrations(), _REGISTRATIONS)
        yield Step("tags", _TAGS, self._tags())
        yield Step("alignment", _ALIGNMENT, self._alignment())
        yield Step("training", _TRAINING, self._training())
        if self.grid.is_cluster:
            yield Step("tuning", _TUNING, self._tuning())
        yield Step("validation", self._about_validation(), self._validation())
        yield Step("prediction", self._about_prediction(), self._prediction())
        yield Step("results", self._about_results(), self._results(), is_tagged=True)

    def _opening(self) -> str:
        story, grid = self.story, self.grid
        return (
            f"# {story.title} on {grid.title}\n\n{story.question}\n\n{story.data}\n\n"
            "The two train one model together, and no row leaves its owner: what travels is the model's weights.\n\n"
            f"{grid.about}\n\nStart the grid in the repository's root, then run all cells from top to bottom:\n\n"
            f"```bash\ndocker-compose -f docker-compose-{grid.name}.yml up --build\n```"
        )

    def _addresses(self) -> Step:
        text = (
            "## Where everything is\n\nThe grid's addresses in its own network. Where that cannot be reached from your "
            'machine, as with Docker Desktop, let `orchestrator` be `{"host": "localhost", "port": 5000}`, and leave the '
            "others: the orchestrator is who uses them. Other grids have other addresses: put them here."
        )
        code = "\n".join(f"{name} = {value!r}" for name, value in self.grid.parameters.items())
        return Step("parameters", text, code, is_tagged=True)

    def _driver(self) -> str:
        name = f"{self.story.name}_{self.grid.name}"
        parts = ("collaboration", "project", "experiment", "run")
        ids = "\n".join(f'{part.upper()} = "{name}_{part}"' for part in parts)
        return (
            "import pandas as pd\n\nfrom synergos import Driver\nfrom synergos.driver.frames import to_frame\n\n"
            f"{ids}\n\ndriver = Driver(**orchestrator, raise_errors=True)"
        )

    def _about_collaboration(self) -> str:
        told = {"logger": "the logger", "mlops": "MLOps", "mq": "the queue"}
        names = [told[name] for name in self.grid.services]
        services = f" It is told where {_listed(names)} {'are' if len(names) > 1 else 'is'}." if names else ""
        return f"## Collaboration\n\nWho works together.{services}"

    def _collaboration(self) -> str:
        lines = ["collaboration = driver.collaborations"]
        lines += [f"collaboration.configure_{name}(**{name})" for name in self.grid.services]
        return "\n".join([*lines, _shown("collaboration.create(COLLABORATION)")])

    def _project(self) -> str:
        return _shown(
            f"driver.projects.create(COLLABORATION, PROJECT, action={self.dataset.action!r}, "
            "incentives={'tier_1': [], 'tier_2': []})"
        )

    def _experiment(self) -> str:
        layers = [dict(each) for each in self.dataset.architecture]
        create = "driver.experiments.create(COLLABORATION, PROJECT, EXPERIMENT, model=network)"
        return f"network = {layers!r}\n{_shown(create)}"

    def _run(self) -> str:
        chosen = ", ".join(f"{name}={value!r}" for name, value in self.dataset.hyperparameters.items())
        return _shown(f'driver.runs.create(COLLABORATION, PROJECT, EXPERIMENT, RUN, algorithm="FedProx", {chosen})')

    def _about_registrations(self) -> str:
        text = "## Participants and registrations\n\nWho holds data, and where their workers listen."
        if self.grid.is_cluster:
            text += (
                " Every participant registers two nodes. Their order counts: all first nodes make up sub-grid 0, all "
                "second nodes sub-grid 1, and each TTP has one of the two."
            )
        return text

    def _tags(self) -> str:
        name = self.dataset.name
        return (
            f'folders = {{"worker_1": ["{name}", "data1"], "worker_2": ["{name}", "data2"]}}\n'
            "for participant, folder in folders.items():\n"
            '    train, evaluate, predict = ([[*folder, purpose]] for purpose in ("train", "evaluate", "predict"))\n'
            "    driver.tags.create(COLLABORATION, PROJECT, participant, train=train, evaluate=evaluate, predict=predict)"
        )

    def _stage(self, call: str) -> str:
        """A stage request; on a cluster the jobs that it has become are waited for."""
        if not self.grid.is_cluster:
            return call.format(mode="")
        return f"driver.jobs.wait({call.format(mode=', respond_async=True')}, progress=True)"

    def _alignment(self) -> str:
        align = self._stage("driver.alignments.create(COLLABORATION, PROJECT{mode})")
        return f'{align}\ndriver.experiments.read(COLLABORATION, PROJECT, EXPERIMENT)["data"]["fitted_model"]'

    def _training(self) -> str:
        train = self._stage("driver.models.create(COLLABORATION, PROJECT, EXPERIMENT, RUN{mode})")
        return f'{train}\nto_frame(driver.models.read(COLLABORATION, PROJECT, EXPERIMENT, RUN))[["model", "origin", "path"]]'

    def _tuning(self) -> str:
        space = {name: self.search_space[name] for name in TUNED}
        metric, mode = ("R2", "max") if self.dataset.action == "regress" else ("f_score", "max")
        return (
            f"study = driver.optimizations.wait(driver.optimizations.create(collab_id=COLLABORATION, project_id=PROJECT, "
            f"expt_id=EXPERIMENT, base_run=RUN, search_space={space!r}, metric={metric!r}, optimize_mode={mode!r}, "
            "max_trial_num=2, trial_concurrency=2), progress=True)\n"
            'if study["best"] is None:\n    raise RuntimeError(f"no trial came to an end: {study[\'error\']}")\nstudy["best"]'
        )

    def _about_validation(self) -> str:
        measures = "\n".join(f"* `{name}`: {meaning};" for name, meaning in self.story.measures.items())
        rows = "" if self.dataset.action == "regress" else " There is a line for each class, against all the others."
        return (
            "## Validation\n\nEvery participant measures the model on its own `evaluate` rows, which it was not trained "
            f"on. Only the statistics come back.{rows}\n\n{measures.rstrip(';')}."
        )

    def _validation(self) -> str:
        validate = self._stage("driver.validations.create(COLLABORATION, PROJECT, EXPERIMENT, RUN{mode})")
        columns = ["participant_id", *([] if self.dataset.action == "regress" else ["label"]), *self.story.measures]
        read = "validated = to_frame(driver.validations.read(COLLABORATION, PROJECT, EXPERIMENT, RUN))"
        return f"{validate}\n{read}\nvalidated[{columns!r}]"

    def _about_prediction(self) -> str:
        beside = " The two requests are handed in before either is waited for." if self.grid.is_cluster else ""
        return (
            "## Prediction\n\nEvery participant predicts its `predict` rows. The predictions stay with it, below "
            f"`simulator/outputs/worker_<i>_outputs`; where rows have labels, statistics come back.{beside}"
        )

    def _prediction(self) -> str:
        call = (
            'driver.predictions.create({PROJECT: [[*folder, "predict"]]}, participant, COLLABORATION, PROJECT, '
            "EXPERIMENT, RUN"
        )
        read = (
            "predicted = pd.concat(to_frame(driver.predictions.read(participant, COLLABORATION, PROJECT, EXPERIMENT, RUN)) "
            f"for participant in folders)\npredicted[{['participant_id', *self.story.measures]!r}]"
        )
        if not self.grid.is_cluster:
            return f"for participant, folder in folders.items():\n    {call})\n{read}"
        asked = f"requests = [{call}, respond_async=True) for participant, folder in folders.items()]"
        return f"{asked}\nfor request in requests:\n    driver.jobs.wait(request, progress=True)\n{read}"

    def _about_results(self) -> str:
        mean = "" if self.dataset.action == "regress" else ", as means over the classes"
        text = f"## Results\n\nHow good the model is on what it has never seen{mean}."
        pages = [_PAGES[name].format(ui_port=ports["ui_port"]) for name, (_, ports) in self.grid.services.items()]
        return "\n".join([text, "", "In a browser there is more:", "", *pages]) if pages else text

    def _results(self) -> str:
        return (
            f"measures = {list(self.story.measures)!r}\n"
            'results = pd.concat({"evaluate": validated, "predict": predicted}, names=["rows"])\n'
            'results = results.groupby(["rows", "participant_id"])[measures].mean()\nresults.round(3)'
        )


def _shown(call: str) -> str:
    """A declaration, and what its record is called."""
    return f'answer = {call}\nanswer["data"]["key"]'


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


_DRIVER = (
    "## Driver\n\nThe client of the orchestrator. Everything below is one call, with the ids of what it is about. "
    "Declaring a thing again replaces it, so this notebook can be run again."
)
_PAGES = {
    "logger": "* <http://localhost:{ui_port}>: what the programs log;",
    "mlops": "* <http://localhost:{ui_port}>: losses and statistics of every run;",
    "mq": "* <http://localhost:{ui_port}>: the queue.",
}
_PROJECT = "## Project\n\nWhat is to be learnt: `classify` or `regress`."
_EXPERIMENT = "## Experiment\n\nThe network, layer by layer: classes of `torch.nn`, functions of `torch.nn.functional`."
_RUN = (
    "## Run\n\nThe hyperparameters. In each of `rounds` every participant trains for `epochs` on its own rows, then the "
    "weights are averaged. FedProx keeps a participant from straying too far from the others."
)
_REGISTRATIONS = """\
for participant, nodes in workers.items():
    driver.participants.create(participant)
    registration = driver.registrations
    for node in nodes:
        registration.add_node(**node)
    registration.create(COLLABORATION, PROJECT, participant, role="host" if participant == "worker_1" else "guest")"""
_TAGS = (
    "## Tags\n\nWhich folders a participant gives to the project, as paths below its data root: `simulator/datasets` "
    "in this grid. A real participant names folders of its own disk, which nobody else sees."
)
_ALIGNMENT = (
    "## Alignment\n\nThe participants agree on columns, labels, scaling and what to fill gaps with. They send names, sums, "
    "counts, minima and maxima. The network's first and last layer are fitted to what was agreed."
)
_TRAINING = (
    "## Training\n\nThe rounds. Afterwards the orchestrator has the global model and what each participant's became "
    "in its last round."
)
_TUNING = (
    "## Tuning\n\nHyperparameters are looked for by trying: each trial is a run with values of its own, trained and "
    "validated, and the two sub-grids try two at a time. Two trials find little; `max_trial_num` is what to raise."
)
_CLOSING = (
    "## And on\n\nIn [simulator/README.md](../../README.md): the other grids, cleaning up, your own data, several machines. "
    "What a dataset folder holds is in [docs/datasets.md](../../../docs/datasets.md), layers and hyperparameters are in "
    "[docs/learning.md](../../../docs/learning.md)."
)
