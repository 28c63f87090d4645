from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from factories.network_models import layer, linear
from synergos.domain.feature_space import Action
from synergos.errors import InvalidRequest
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.network import Network, build_network
from synergos.learning.families.layers.objective import Objective

Array = NDArray[np.float64]

Z = torch.tensor([[2.0], [-1.0], [0.5], [-3.0]])
T = torch.tensor([[1.0], [0.0], [0.0], [1.0]])
LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -0.4], [-3.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
IDS = torch.tensor([0, 2, 1, 1])


def objective(criterion: str, action: Action = Action.CLASSIFY, **run: Any) -> Objective:
    return Objective(LayersHyperparameters.from_run({"criterion": criterion, **run}, action), action)


def ending_in(*tail: Layer) -> Network:
    """A network that hands its input to its last layers."""
    return build_network([layer("Identity"), *tail])


SIGMOID, SOFTMAX = ending_in(layer("Sigmoid")), ending_in(layer("Softmax", dim=1))

# By hand, for two classes, from the logit z, the probability p of class 1 and the label t.
z, t = Z.numpy().astype(np.float64), T.numpy().astype(np.float64)
p = 1 / (1 + np.exp(-z))
cross_entropy = -(t * np.log(p) + (1 - t) * np.log(1 - p))
away = np.abs(p - t)
sign = 2 * t - 1
BINARY: dict[str, Array] = {
    "BCELoss": cross_entropy,
    "BCEWithLogitsLoss": cross_entropy,
    "NLLLoss": cross_entropy,
    "CrossEntropyLoss": cross_entropy,
    "MultiLabelSoftMarginLoss": cross_entropy,
    "KLDivLoss": cross_entropy / 2,  # torch's mean is over both classes
    "L1Loss": away,
    "MSELoss": away**2,
    "SmoothL1Loss": away**2 / 2,
    "HuberLoss": away**2 / 2,
    "SoftMarginLoss": np.log(1 + np.exp(-sign * z)),
    "HingeEmbeddingLoss": away,
    "PoissonNLLLoss": p - t * np.log(p),
    "MultiMarginLoss": np.maximum(0, 1 - sign * z) / 2,
    "MultiLabelMarginLoss": np.maximum(0, 1 - sign * z) / 2,
}

# And for three, from the logits.
logits = LOGITS.numpy().astype(np.float64)
hot = np.eye(3)[IDS.numpy()]
P = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
right = (P * hot).sum(axis=1)
each = 1 / (1 + np.exp(-logits))
per_class = -(hot * np.log(each) + (1 - hot) * np.log(1 - each))
margins = (np.maximum(0, 1 - (logits * hot).sum(axis=1, keepdims=True) + logits) * (1 - hot)).sum(axis=1) / 3
SEVERAL: dict[str, Array] = {
    "NLLLoss": -np.log(right),
    "CrossEntropyLoss": -np.log(right),
    "KLDivLoss": -np.log(right) / 3,
    "BCELoss": -(hot * np.log(P) + (1 - hot) * np.log(1 - P)),
    "BCEWithLogitsLoss": per_class,
    "MultiLabelSoftMarginLoss": per_class,
    "L1Loss": np.abs(P - hot),
    "MSELoss": (P - hot) ** 2,
    "SmoothL1Loss": (P - hot) ** 2 / 2,
    "HuberLoss": (P - hot) ** 2 / 2,
    "SoftMarginLoss": np.log(1 + np.exp(-(2 * hot - 1) * logits)),
    "HingeEmbeddingLoss": np.abs(P - hot),
    "PoissonNLLLoss": P - hot * np.log(P),
    "MultiMarginLoss": margins,
    "MultiLabelMarginLoss": margins,
}


@pytest.mark.parametrize("criterion", BINARY)
def test_two_classes(criterion: str) -> None:
    loss = objective(criterion).loss(SIGMOID, Z, T)

    assert loss.item() == pytest.approx(BINARY[criterion].mean(), rel=1e-5)


@pytest.mark.parametrize("criterion", SEVERAL)
def test_several_classes(criterion: str) -> None:
    loss = objective(criterion).loss(SOFTMAX, LOGITS, IDS)

    assert loss.item() == pytest.approx(SEVERAL[criterion].mean(), rel=1e-5)


@pytest.mark.parametrize("criterion", BINARY)
@pytest.mark.parametrize("shift", [0.0, 200.0])
def test_every_loss_is_finite_and_falls_along_its_gradient(criterion: str, shift: float) -> None:
    for network, values, targets in ((SIGMOID, Z * (1 + shift), T), (SOFTMAX, LOGITS * (1 + shift), IDS)):
        inputs = values.clone().requires_grad_()
        found = objective(criterion)

        before, _ = found.training_loss(network, inputs, targets)
        before.backward()  # type: ignore[no-untyped-call]
        gradient = inputs.grad

        assert gradient is not None
        assert torch.isfinite(before)
        assert torch.isfinite(gradient).all()
        if shift == 0:
            assert found.loss(network, values - 0.1 * gradient, targets) < before


@pytest.mark.parametrize("criterion", BINARY)
def test_learning_moves_towards_the_right_class(criterion: str) -> None:
    start = torch.zeros(1, 1, requires_grad=True)
    objective(criterion).training_loss(SIGMOID, start, torch.ones(1, 1))[0].backward()  # type: ignore[no-untyped-call]

    assert start.grad is not None
    assert start.grad.item() < 0


@pytest.mark.parametrize(
    ("criterion", "weights"), [("NLLLoss", [0.2, 0.3, 0.5]), ("CrossEntropyLoss", [0.2, 0.3, 0.5])]
)
def test_class_weights(criterion: str, weights: list[float]) -> None:
    loss = objective(criterion, weight=weights).loss(SOFTMAX, LOGITS, IDS)

    of_rows = np.array(weights)[IDS.numpy()]
    assert loss.item() == pytest.approx((-np.log(right) * of_rows).sum() / of_rows.sum(), rel=1e-5)


def test_weights_for_another_number_of_classes_name_the_loss() -> None:
    with pytest.raises(InvalidRequest) as refused:
        objective("NLLLoss", weight=[1.0, 2.0]).loss(SOFTMAX, LOGITS, IDS)

    assert refused.value.field == "criterion"


@pytest.mark.parametrize(
    ("criterion", "name"),
    [("BCELoss", "weight"), ("BCEWithLogitsLoss", "weight"), ("BCEWithLogitsLoss", "pos_weight")],
)
def test_weights_that_would_be_stretched_over_outputs_that_are_not_there_are_refused(criterion: str, name: str) -> None:
    """torch takes the mean of both weights for the positives of a network with one output, and says nothing."""
    with pytest.raises(InvalidRequest, match="of which there is 1, got 2; NLLLoss") as refused:
        objective(criterion, Action.CLASSIFY, **{name: [1.0, 20.0]}).loss(SIGMOID, torch.zeros(4, 1), torch.ones(4, 1))

    assert refused.value.field == name


def test_a_weight_of_the_positives_of_two_classes() -> None:
    weighted = objective("BCEWithLogitsLoss", pos_weight=[20.0]).loss(SIGMOID, torch.zeros(1, 1), torch.ones(1, 1))

    assert weighted.item() == pytest.approx(20 * np.log(2))


@pytest.mark.parametrize("tail", [[layer("LogSoftmax", dim=1)], [layer("Identity", "softmax")], [layer("Identity")]])
def test_the_loss_is_the_same_however_the_model_ends(tail: list[Layer]) -> None:
    found = objective("NLLLoss")

    torch.testing.assert_close(found.loss(ending_in(*tail), LOGITS, IDS), found.loss(SOFTMAX, LOGITS, IDS))


@pytest.mark.parametrize("criterion", ["MSELoss", "NLLLoss", "KLDivLoss", "BCEWithLogitsLoss"])
def test_the_reduction_concerns_the_gradient_and_not_the_report(criterion: str) -> None:
    mean = objective(criterion).loss(SOFTMAX, LOGITS, IDS)
    expected = {"mean": mean, "none": mean, "sum": mean * (4 if criterion == "NLLLoss" else 12)}

    for reduction, value in expected.items():
        found = objective(criterion, reduction=reduction)
        followed, reported = found.training_loss(SOFTMAX, LOGITS, IDS)
        torch.testing.assert_close(followed, value)
        torch.testing.assert_close(reported, mean)
        torch.testing.assert_close(found.loss(SOFTMAX, LOGITS, IDS), mean)


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [("MSELoss", 2.5), ("BCELoss", 2.5), ("L1Loss", 1.5), ("SmoothL1Loss", 1.0), ("HuberLoss", 1.0)],
)
def test_regression(criterion: str, expected: float) -> None:
    outputs, targets = torch.tensor([[1.0], [4.0]]), torch.tensor([[2.0], [2.0]])

    loss = objective(criterion, Action.REGRESS).loss(ending_in(layer("Identity")), outputs, targets)

    assert loss.item() == expected  # errors 1 and 2


def test_outputs_are_never_broadcast_against_targets() -> None:
    flat = ending_in(layer("Flatten", start_dim=-1))
    loss = objective("MSELoss", Action.REGRESS).loss(
        flat, torch.tensor([1.0, 2.0, 3.0]), torch.tensor([[1.0], [2.0], [3.0]])
    )

    assert loss.item() == 0.0
    with pytest.raises(InvalidRequest, match="expected an output of shape"):
        objective("MSELoss", Action.REGRESS).loss(ending_in(layer("Identity")), torch.ones(3, 2), torch.ones(3, 1))


def test_a_regression_predicts_its_outputs() -> None:
    scores, predicted = objective("MSELoss", Action.REGRESS).predict(
        ending_in(layer("ReLU")), torch.tensor([[-1.0], [2.0]])
    )

    assert scores.tolist() == predicted.tolist() == [[0.0], [2.0]]


@pytest.mark.parametrize(("log_input", "expected"), [(None, [1.0, 4.0]), (True, [1.0, 4.0]), (False, [0.0, np.log(4)])])
def test_a_poisson_regression_predicts_rates_not_their_logarithms(
    log_input: bool | None, expected: list[float]
) -> None:
    run = {} if log_input is None else {"log_input": log_input}
    found = objective("PoissonNLLLoss", Action.REGRESS, **run)
    outputs = torch.tensor([[0.0], [np.log(4)]], dtype=torch.float32)

    scores, predicted = found.predict(ending_in(), outputs)

    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-6)
    assert predicted.tolist() == scores.tolist()
    # The loss is of the same rates: log 4 for 4 events costs 4 - 4 log 4.
    if log_input is not False:
        assert float(found.loss(ending_in(), outputs[1:], torch.tensor([[4.0]]))) == pytest.approx(4 - 4 * np.log(4))


def test_a_row_whose_scores_are_no_numbers_has_no_class() -> None:
    _, two = objective("BCELoss").predict(ending_in(), torch.tensor([[1.0], [torch.nan], [-1.0]]))
    _, three = objective("NLLLoss").predict(ending_in(), torch.tensor([[1.0, 2.0, 0.0], [0.0, torch.inf, 0.0]]))

    assert two.reshape(-1).tolist() == pytest.approx([1.0, np.nan, 0.0], nan_ok=True)
    assert three.tolist() == [1, -1]


# torch compares in the other two, and what is no number is larger than nothing.
@pytest.mark.parametrize("criterion", sorted({*BINARY} - {"MultiMarginLoss", "MultiLabelMarginLoss"}))
def test_a_row_that_is_no_number_makes_the_loss_none_and_no_error(criterion: str) -> None:
    found = objective(criterion)
    for inputs, targets in ((Z.clone(), T), (LOGITS.clone(), IDS)):
        inputs[1] = torch.nan

        assert np.isnan(float(found.loss(ending_in(), inputs, targets)))


@pytest.mark.parametrize(
    "tail", [layer("Sigmoid"), layer("Identity", "sigmoid"), layer("Identity"), layer("Identity", "softmax")]
)
def test_two_classes_are_decided_at_one_half(tail: Layer) -> None:
    scores, predicted = objective("BCELoss").predict(ending_in(tail), torch.tensor([[0.0], [0.1], [-2.0]]))

    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-np.array([[0.0], [0.1], [-2.0]]))), rtol=1e-6)
    assert predicted.tolist() == [[0.0], [1.0], [0.0]]
    assert predicted.dtype == np.float32


@pytest.mark.parametrize("tail", [layer("Softmax", dim=1), layer("LogSoftmax", dim=1), layer("Identity")])
def test_several_classes_are_decided_by_the_largest_probability(tail: Layer) -> None:
    scores, predicted = objective("NLLLoss").predict(ending_in(tail), LOGITS)

    np.testing.assert_allclose(scores, P, rtol=1e-5)
    assert predicted.tolist() == [0, 1, 1, 0]
    assert predicted.dtype == np.int64


def test_two_outputs_for_two_classes() -> None:
    two = torch.cat([torch.zeros_like(Z), Z], dim=1)

    loss = objective("CrossEntropyLoss").loss(SOFTMAX, two, T)
    scores, predicted = objective("CrossEntropyLoss").predict(SOFTMAX, two)

    assert loss.item() == pytest.approx(cross_entropy.mean(), rel=1e-5)
    assert scores.shape == (4, 2)
    assert predicted.tolist() == [1, 0, 1, 0]


def test_a_model_that_does_not_take_the_rows_is_named() -> None:
    with pytest.raises(InvalidRequest) as refused:
        objective("MSELoss", Action.REGRESS).loss(build_network([linear(3, 1)]), torch.ones(2, 5), torch.ones(2, 1))

    assert refused.value.field == "model"


def test_the_targets_type_does_not_matter() -> None:
    loss = objective("BCELoss").loss(SIGMOID, Z, T.to(torch.float64).reshape(-1))

    assert loss.item() == pytest.approx(cross_entropy.mean(), rel=1e-5)


def test_a_tensor_is_what_a_loss_is() -> None:
    assert isinstance(objective("BCELoss").loss(SIGMOID, Z, T), Tensor)
