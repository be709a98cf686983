"""Conformance: what holds for every component of every family, so that a new one is held to it without a new test."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sklearn.metrics import accuracy_score, r2_score

from dlcore.activations import Activation
from dlcore.component import Component, kind_of, kinds, validate
from dlcore.datasets import Dataset
from dlcore.experiment import Experiment
from dlcore.initializers import Initializer
from dlcore.layers import Layer, Tokens
from dlcore.losses import Loss
from dlcore.metrics import R2, Accuracy
from dlcore.objectives import Coding, Numbers, objective_of_classes
from dlcore.optimizers import Optimizer
from dlcore.problems import Problem
from dlcore.regularizers import Regularizer
from dlcore.schedules import Schedule
from tests.strategies import FAMILIES, bounds, components

EVERY = [
    pytest.param(name, cls, id=f"{name}-{kind}")
    for name, union in FAMILIES.items()
    for kind, cls in kinds(union).items()
]


def every(union: Any) -> Any:
    """Parametrize over the classes of one family, each with its default values."""
    return pytest.mark.parametrize("component", [pytest.param(cls(), id=kind) for kind, cls in kinds(union).items()])


# The names that recipes, share links and checkpoints out in the world rely on.
CONTRACT = {
    "dataset": "circle xor gauss spiral moons rings checkerboard blobs plane multi_gauss sine step iris wine breast_cancer digits"
    " diabetes drawn table images recall parity brackets anbn adding noisy_sine copy reverse digit_rows births mnist fashion_mnist"
    " novelists poets surnames text",
    "activation": "linear sigmoid tanh relu leaky_relu elu selu gelu silu softplus mish",
    "initializer": "glorot_uniform he_normal lecun_normal uniform zeros",
    "layer": "dense dropout",
    "loss": "cross_entropy hinge mse mae huber",
    "optimizer": "sgd rmsprop adam adamw adagrad",
    "regularizer": "none l1 l2",
    "schedule": "constant step cosine warm_up",
    "metric": "accuracy r2",
}


@pytest.mark.parametrize("name", FAMILIES)
def test_no_kind_of_the_contract_is_missing(name: str) -> None:
    assert set(CONTRACT[name].split()) <= set(kinds(FAMILIES[name]))


@pytest.mark.parametrize("name", FAMILIES)
def test_kinds_and_titles_are_unique_in_a_family(name: str) -> None:
    classes = list(kinds(FAMILIES[name]).values())
    assert len({kind_of(cls) for cls in classes}) == len({cls.title for cls in classes}) == len(classes)


@pytest.mark.parametrize(("name", "cls"), EVERY)
def test_it_says_what_it_is(name: str, cls: type[Component]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kind_of(cls))
    assert cls.title
    assert cls.__doc__, "the definition, with formula and source"
    assert re.search(r"\b1[6-9]\d\d\b|\b20\d\d\b", cls.__doc__), "the docstring names its source with its year"


@pytest.mark.parametrize(("name", "cls"), EVERY)
def test_every_number_has_bounds_and_every_field_a_meaning(name: str, cls: type[Component]) -> None:
    for field_name, field in cls.model_fields.items():
        if field_name != "kind":
            assert field.description, f"{field_name} has no description"
            assert not field.is_required(), f"{field_name} has no default"
        if field.annotation in (int, float):
            sides = bounds(field)
            assert sides.keys() & {"ge", "gt"}, f"{field_name} has no lower bound"
            assert sides.keys() & {"le", "lt"}, f"{field_name} has no upper bound"


@pytest.mark.parametrize(("name", "cls"), EVERY)
def test_json_there_and_back_is_equal(name: str, cls: type[Component]) -> None:
    family = TypeAdapter(FAMILIES[name])

    @settings(max_examples=20)
    @given(components(cls))
    def holds(component: Component) -> None:
        again = family.validate_json(family.dump_json(component))
        assert again == component
        assert type(again) is cls
        assert again.to_dict() == component.to_dict()
        assert hash(again) == hash(component)

    holds()


@pytest.mark.parametrize(("name", "cls"), EVERY)
def test_it_is_frozen_and_replace_checks_anew(name: str, cls: type[Component]) -> None:
    component = cls()
    with pytest.raises(ValueError, match="frozen"):
        component.kind = "other"
    for field_name, field in cls.model_fields.items():
        if field.annotation in (int, float):
            assert component.replace(**{field_name: getattr(component, field_name)}) == component
            for wrong in (math.nan, math.inf, -math.inf, "many", None, [1]):
                with pytest.raises(Problem, match=field_name):
                    component.replace(**{field_name: wrong})
    with pytest.raises(Problem, match="colour: unknown key"):
        component.replace(colour="blue")


@pytest.mark.parametrize(("name", "cls"), EVERY)
def test_values_outside_the_bounds_are_refused_and_the_bounds_themselves_are_not(
    name: str, cls: type[Component]
) -> None:
    for field_name, field in cls.model_fields.items():
        if field.annotation in (int, float):
            step = 1 if field.annotation is int else 1e-9
            for side, value in bounds(field).items():
                inside = {"ge": value, "le": value, "gt": value + step, "lt": value - step}[side]
                outside = {"ge": value - step, "le": value + step, "gt": value, "lt": value}[side]
                assert getattr(validate(cls, {field_name: inside}), field_name) == inside
                with pytest.raises(Problem) as refused:
                    validate(cls, {field_name: outside})
                assert refused.value.key == "out_of_bounds"
                assert refused.value.values["path"] == field_name


@every(Activation)
def test_an_activation_keeps_the_shape_and_its_slope_is_the_numerical_one(component: Any) -> None:
    z = torch.linspace(-4.03, 4, 60, dtype=torch.float64, requires_grad=True)
    f = component.build()
    a = f(z)
    assert a.shape == z.shape
    assert a.isfinite().all()
    a.sum().backward()
    h = 1e-6
    with torch.no_grad():
        numerical = (f(z + h) - f(z - h)) / (2 * h)
    torch.testing.assert_close(z.grad, numerical, atol=1e-6, rtol=1e-6)


def _phi(z: float) -> float:
    return (1 + math.erf(z / 2**0.5)) / 2


FORMULAS = {
    "linear": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(0.0, z),
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "elu": lambda z: z if z > 0 else math.expm1(z),
    "selu": lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * math.expm1(z)),
    "gelu": lambda z: z * _phi(z),
    "silu": lambda z: z / (1 + math.exp(-z)),
    "softplus": lambda z: math.log1p(math.exp(z)),
    "mish": lambda z: z * math.tanh(math.log1p(math.exp(z))),
}


@pytest.mark.parametrize("kind", FORMULAS)
def test_an_activation_is_the_formula_on_paper(kind: str) -> None:
    z = np.linspace(-5, 5, 41)
    ours = kinds(Activation)[kind]().build()(torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(ours, [FORMULAS[kind](value) for value in z], rtol=1e-12, atol=1e-12)


@every(Initializer)
def test_an_initializer_fills_all_and_the_same_generator_gives_the_same(component: Any) -> None:
    weight, bias = torch.full((200, 300), math.nan), torch.full((200,), math.nan)
    component.fill(weight, bias, torch.Generator().manual_seed(3))
    assert weight.isfinite().all()
    assert bias.isfinite().all()
    again, again_bias = torch.empty_like(weight), torch.empty_like(bias)
    component.fill(again, again_bias, torch.Generator().manual_seed(3))
    assert torch.equal(weight, again)
    assert torch.equal(bias, again_bias)
    assert abs(weight.mean().item()) < 0.005


DEVIATIONS = {
    "glorot_uniform": (2 / (200 + 300)) ** 0.5,
    "he_normal": (2 / 300) ** 0.5,
    "lecun_normal": (1 / 300) ** 0.5,
    "uniform": 12**-0.5,
    "zeros": 0.0,
}


@pytest.mark.parametrize("kind", DEVIATIONS)
def test_an_initializer_has_the_deviation_of_its_paper(kind: str) -> None:
    weight, bias = torch.empty(200, 300), torch.empty(200)
    kinds(Initializer)[kind]().fill(weight, bias, torch.Generator().manual_seed(0))
    assert weight.std().item() == pytest.approx(DEVIATIONS[kind], rel=0.02)
    assert bias.unique().tolist() == [pytest.approx(0.1 if kind == "uniform" else 0)]


every_shape_of_every_layer = pytest.mark.parametrize(
    ("component", "shape"),
    [
        pytest.param(cls(), shape, id=f"{kind}-{'x'.join(map(str, shape))}")
        for kind, cls in kinds(Layer).items()
        for shape in cls.example_shapes  # type: ignore[attr-defined]
    ],
)


def rows_of_shape(shape: tuple[int, ...]) -> torch.Tensor:
    """Seven rows (7, *shape) of random numbers, or of random ids."""
    generator = torch.Generator().manual_seed(1)
    if isinstance(shape, Tokens):
        return torch.randint(shape.vocabulary, (7, *shape), generator=generator).float()
    return torch.randn(7, *shape, generator=generator, requires_grad=True)


@every_shape_of_every_layer
def test_a_layer_builds_what_it_says_and_learns_finite_numbers(component: Any, shape: tuple[int, ...]) -> None:
    modules = torch.nn.Sequential(*component.build(shape, torch.Generator().manual_seed(0), "cpu"))
    X_BD = rows_of_shape(shape)
    out = modules(X_BD)
    assert out.shape == (7, *component.output_shape(shape))
    assert sum(parameter.numel() for parameter in modules.parameters()) == component.num_parameters(shape)
    assert component.has_units or component.kind == "flatten" or out.shape == X_BD.shape
    out.square().sum().backward()
    for tensor in (*([] if isinstance(shape, Tokens) else [X_BD]), *modules.parameters()):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()


@every_shape_of_every_layer
def test_an_exported_script_builds_the_same_layer(component: Any, shape: tuple[int, ...]) -> None:
    ours = torch.nn.Sequential(*component.build(shape, torch.Generator().manual_seed(0), "cpu")).eval()
    names = {cls.__name__: cls for cls in component.script_classes()} | {"nn": torch.nn}
    theirs = torch.nn.Sequential(*(eval(line, names) for line in component.script_modules(shape))).eval()
    assert [type(module) for module in theirs] == [type(module) for module in ours]
    assert all(hasattr(theirs[place], "weight") for place in component.starts())
    theirs.load_state_dict(ours.state_dict())
    X_BD = rows_of_shape(shape)
    assert torch.equal(theirs(X_BD), ours(X_BD))


@every(Layer)
def test_a_layer_draws_while_it_trains_only_if_it_says_so(component: Any) -> None:
    shape = component.example_shapes[-1]
    modules = torch.nn.Sequential(*component.build(shape, torch.Generator().manual_seed(0), "cpu"))
    X_BD = torch.ones(50, *shape)
    assert torch.equal(modules(X_BD), modules(X_BD)) is not component.draws
    modules.eval()
    assert torch.equal(modules(X_BD), modules(X_BD))


@every(Layer)
def test_a_layer_of_any_size_costs_nothing_on_the_meta_device(component: Any) -> None:
    shape = component.example_shapes[-1]
    large = {1: (10**9,), 2: (10**4, 10**5), 3: (10**5, 300, 300)}[len(shape)]
    modules = component.build(Tokens(5, 10**9) if isinstance(shape, Tokens) else large, torch.Generator(), "meta")
    assert all(parameter.is_meta for module in modules for parameter in module.parameters())


def codings(*tasks: int) -> list[Any]:
    """(loss on its objective, number of classes) for the tasks that each loss is made for; 0 classes is regression."""
    losses: list[Any] = [cls() for cls in kinds(Loss).values()]
    return [
        pytest.param(
            (objective_of_classes(classes) if classes else Numbers()).coding(loss), classes, id=f"{loss.kind}-{classes}"
        )
        for loss in losses
        for classes in tasks
        if (loss.for_numbers if classes == 0 else classes <= (loss.most_classes or classes))
    ]


def labels(classes: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(classes, (12,), generator=generator) if classes else torch.randn(12, generator=generator)


@pytest.mark.parametrize(("coding", "classes"), codings(0, 2, 5))
def test_a_loss_gives_each_row_a_finite_price_and_a_finite_gradient(coding: Coding, classes: int) -> None:
    units = classes if classes > 2 else 1
    for size in (0.0, 1.0, 30.0, 1e4):
        outputs = (torch.randn(12, units, generator=torch.Generator().manual_seed(4)) * size).requires_grad_()
        rows = coding.losses(outputs, coding.encode(labels(classes)))
        assert rows.shape == (12,)
        assert rows.isfinite().all()
        assert (rows >= 0).all()
        rows.mean().backward()
        assert outputs.grad is not None
        assert outputs.grad.isfinite().all()


@pytest.mark.parametrize(("coding", "classes"), codings(2, 5))
def test_a_loss_claims_probabilities(coding: Coding, classes: int) -> None:
    for size in (0.0, 1.0, 1e4):
        outputs = torch.randn(12, classes if classes > 2 else 1, generator=torch.Generator().manual_seed(4)) * size
        claims = coding.predict(outputs)
        assert claims.shape == (12, classes)
        assert ((claims >= 0) & (claims <= 1)).all()
        torch.testing.assert_close(claims.sum(1), torch.ones(12))


@pytest.mark.parametrize(("coding", "classes"), codings(0, 2, 5))
def test_descending_a_loss_makes_the_claims_true(coding: Coding, classes: int) -> None:
    y = labels(classes)
    outputs = torch.zeros(12, classes if classes > 2 else 1, requires_grad=True)
    optimizer = torch.optim.Adam([outputs], lr=0.03)
    for _ in range(300):
        optimizer.zero_grad()
        coding.losses(outputs, coding.encode(y)).mean().backward()
        optimizer.step()
    claims = coding.predict(outputs.detach())
    if classes:
        assert torch.equal(claims.argmax(1), y)
    else:
        torch.testing.assert_close(claims, y, atol=0.05, rtol=0)


@every(Optimizer)
def test_an_optimizer_goes_down_a_bowl(component: Any) -> None:
    w, memory = torch.tensor([1.0, -2.0, 0.5]), {}
    for _ in range(50):
        component.update(w, 2 * w, memory, component.learning_rate)
    assert w.isfinite().all()
    assert w.square().sum().item() < 0.75 * 5.25


@pytest.mark.parametrize("kind", kinds(Optimizer))
def test_an_optimizer_is_its_namesake_in_torch_whatever_its_fields(kind: str) -> None:
    @settings(max_examples=60)
    @given(components(kinds(Optimizer)[kind], learning_rate=st.floats(1e-4, 0.1)), st.integers(0, 99))
    def holds(component: Any, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        ours, memory = torch.randn(6, generator=generator), {}
        theirs = torch.nn.Parameter(ours.clone())
        judge = getattr(torch.optim, component.rule)([theirs], **component.arguments())
        for _ in range(8):
            theirs.grad = torch.randn(6, generator=generator)
            component.update(ours, theirs.grad.clone(), memory, component.learning_rate)
            judge.step()
        torch.testing.assert_close(ours, theirs.detach(), atol=1e-5, rtol=1e-5)

    holds()


@pytest.mark.parametrize("kind", kinds(Schedule))
def test_a_schedule_stays_between_nothing_and_the_full_rate(kind: str) -> None:
    @given(components(kinds(Schedule)[kind]), st.floats(0, 1e5))
    @settings(max_examples=50)
    def holds(schedule: Any, epoch: float) -> None:
        assert 0 <= schedule.factor(epoch) <= 1 + 1e-12

    holds()


def test_schedules_on_paper() -> None:
    step, cosine, warm_up = (kinds(Schedule)[kind] for kind in ("step", "cosine", "warm_up"))
    halves: Any = validate(step, {"every": 10, "decay": 0.5})
    assert [halves.factor(epoch) for epoch in (0, 9.9, 10, 20, 35)] == [1, 1, 0.5, 0.25, 0.125]
    falling: Any = validate(cosine, {"epochs": 100, "floor": 0.2})
    assert [falling.factor(epoch) for epoch in (0, 50, 100, 500)] == pytest.approx([1, 0.6, 0.2, 0.2])
    rising: Any = validate(warm_up, {"epochs": 10, "start": 0.2})
    assert [rising.factor(epoch) for epoch in (0, 5, 10, 99)] == pytest.approx([0.2, 0.6, 1, 1])


@every(Regularizer)
def test_a_regularizers_gradient_is_that_of_its_penalty(component: Any) -> None:
    w = torch.tensor([0.5, -2.0, 0.0, 3.0], requires_grad=True)
    penalty = component.penalty(w)
    assert penalty.shape == ()
    gradient = torch.ones(4)
    component.add_gradient(gradient, w.detach())
    expected = torch.autograd.grad(penalty, w)[0] if penalty.requires_grad else torch.zeros(4)
    torch.testing.assert_close(gradient, 1 + expected)


@every(Dataset)
def test_a_data_set_has_the_rows_it_says_and_the_same_seed_gives_the_same(component: Any) -> None:
    table = component.sample(np.random.default_rng(5))
    assert table.X.shape == (component.rows, component.num_columns)
    each_step = component.objective.answers_each_step
    assert table.y.shape == ((component.rows, *component.shape) if each_step else (component.rows,))
    assert table.X.dtype == np.float64
    assert np.isfinite(table.X).all()
    assert len(table.column_names) == component.num_columns
    assert len(component.input_names(table.column_names)) == len(component.input_keys()) == component.inputs
    assert component.column_names in ((), table.column_names)
    assert len(table.class_names) == component.num_classes
    if each_step:
        assert table.y.dtype == np.int64
        assert table.y.min() >= 0 and table.y.max() == component.vocabulary - 1
        assert component.num_classes == 0
    elif component.task == "classification":
        assert table.y.dtype == np.int64
        assert set(np.unique(table.y)) == set(range(component.num_classes))
    else:
        assert table.y.dtype == np.float64
        assert np.isfinite(table.y).all()
        assert component.num_classes == 0
    again = component.sample(np.random.default_rng(5))
    assert np.array_equal(again.X, table.X)
    assert np.array_equal(again.y, table.y)


@every(Dataset)
def test_a_data_set_makes_a_run_with_nothing_else_said(component: Any) -> None:
    loss = {"loss": {"kind": component.objective.usual_loss}}
    # Tokens are no amounts: without an embedding there is no network for them.
    pool = [] if component.objective.answers_each_step else [{"kind": "global_average_pool"}]
    layers = {"layers": [{"kind": "embedding"}, *pool]} if component.vocabulary else {}
    Experiment.from_dict({"dataset": {"kind": component.kind}, **loss, **layers})


def test_metrics_agree_with_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    y, claims = generator.integers(0, 4, 50), generator.random((50, 4))
    accuracy = Accuracy().measure(torch.from_numpy(claims), torch.from_numpy(y))
    assert accuracy == pytest.approx(accuracy_score(y, claims.argmax(1)))
    values, predicted = generator.standard_normal(50), generator.standard_normal(50)
    r2 = R2().measure(torch.from_numpy(predicted), torch.from_numpy(values))
    assert r2 == pytest.approx(r2_score(values, predicted))
