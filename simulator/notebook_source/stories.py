"""What there is to tell about each dataset."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Story:
    """One dataset that is learnt in notebooks.

    Attributes:
        question: what the model answers, in a sentence.
        data: whose data it is, in Markdown.
        network: why the network looks as it does.
        measures: the statistics that tell how good the model is, and for people what they mean.
        most_rows: how many rows of the table are used, to keep the repository small; None for all.
    """

    name: str
    title: str
    question: str
    data: str
    network: str
    measures: dict[str, str]
    most_rows: int | None = None


_CLASSIFIED = {
    "accuracy": "the part of the rows that is put right in or out of a class",
    "roc_auc_score": "0.5 for guessing, 1 for a score that ranks every row of a class above all others",
    "f_score": "the harmonic mean of precision and recall",
}

STORIES = (
    Story(
        "diabetes",
        "Diabetes",
        "How far will a patient's diabetes have progressed after a year?",
        "Two clinics hold ten readings of each of 442 patients: age, sex, body mass index, blood pressure, six blood serum "
        "values. `sex` is a category. One reading in a hundred is missing, as in life. The label, `target`, is a number: "
        "this is a **regression**.",
        "Ten columns become eleven inputs, because the category has two levels. One output without an activation is the "
        "predicted number.",
        {
            "R2": "the part of the variance that is explained: 1 is perfect, 0 no better than the mean",
            "MSE": "mean squared error",
            "MAE": "mean absolute error",
        },
    ),
    Story(
        "breast_cancer",
        "Breast cancer",
        "Is a tumour malignant or benign?",
        "Two hospitals hold thirty measurements of the cell nuclei in each of 569 biopsies. The label, `target`, is one of "
        "two classes: this is a **binary classification**.",
        "Thirty inputs, a hidden layer of sixteen, and one output with a sigmoid: the probability of the second class.",
        _CLASSIFIED,
    ),
    Story(
        "wine",
        "Wine",
        "From which of three cultivars is a wine?",
        "Two laboratories hold thirteen chemical measurements of each of 178 wines. The label, `target`, is one of three "
        "classes: this is a **multi-class classification**.",
        "Thirteen inputs, a hidden layer of sixteen, and one output for each class; softmax makes probabilities of them.",
        _CLASSIFIED,
    ),
    Story(
        "digits_images",
        "Digits",
        "Which digit was written by hand?",
        "Two post offices hold grey images of 8×8 pixels, 300 together. `mapping.csv` has the label of each: one of ten "
        "classes. This is a classification of **images**.",
        "A convolution finds strokes, pooling halves the picture, and a linear layer with softmax makes probabilities of "
        "the ten digits.",
        _CLASSIFIED,
        most_rows=300,
    ),
)
