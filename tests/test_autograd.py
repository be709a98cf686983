"""The autograd engine on stacks that no recipe has yet: pictures and sequences, against a plain torch loop."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlcore.engines.autograd import AutogradEngine
from dlcore.engines.modules import SeededDropout
from dlcore.experiment import Experiment

RATE, CLASSES = 0.01, 4
TEN_CLASSES = Experiment.from_dict(
    {"dataset": {"kind": "digits"}, "optimizer": {"kind": "adam", "learning_rate": RATE}}
)


class LastStep(nn.Module):
    """An LSTM's hidden state after the last step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 5, batch_first=True)

    def forward(self, values_BTD: torch.Tensor) -> torch.Tensor:
        return self.lstm(values_BTD)[0][:, -1]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        SeededDropout(0.3),
        nn.Linear(64, CLASSES),
    )


def sequences() -> nn.Sequential:
    return nn.Sequential(LastStep(), nn.Linear(5, CLASSES))


def batches(row: tuple[int, ...], rows: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = seeded(1)
    return [
        (torch.randn(rows, *row, generator=generator), torch.randint(CLASSES, (rows,), generator=generator))
        for _ in range(30)
    ]


@pytest.mark.parametrize("rows", [1, 7, 40])
@pytest.mark.parametrize(("build", "row"), [(pictures, (1, 8, 8)), (sequences, (6, 3))], ids=["pictures", "sequences"])
def test_steps_are_those_of_a_plain_torch_loop(build: type, row: tuple[int, ...], rows: int) -> None:
    model = build()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.4, 0.4, generator=seeded(parameter.numel()))
    twin = build()  # Its dropout draws the same numbers.
    twin.load_state_dict(model.state_dict())
    engine, optimizer = AutogradEngine(model, TEN_CLASSES), torch.optim.Adam(twin.parameters(), lr=RATE)
    ours = [engine.step(X, y, RATE) for X, y in batches(row, rows)]
    theirs = []
    for X, y in batches(row, rows):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(twin(X), y)
        loss.backward()
        optimizer.step()
        theirs.append(loss.item())
    assert ours == pytest.approx(theirs, rel=1e-4)
    for mine, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch has no oneDNN here")
@pytest.mark.parametrize(
    ("build", "row", "rows", "one_dnn"),
    [(pictures, (1, 8, 8), 10, False), (pictures, (1, 8, 8), 40, True), (sequences, (6, 3), 10, True)],
    ids=["few small pictures", "many", "sequences"],
)
def test_few_small_pictures_are_convolved_without_one_dnn(
    build: type, row: tuple[int, ...], rows: int, one_dnn: bool
) -> None:
    model, seen = build(), []
    engine = AutogradEngine(model, TEN_CLASSES)
    engine.step(*batches(row, rows)[0], RATE)  # The first step counts the products, too.

    def look(*_: object) -> None:
        seen.append(torch.backends.mkldnn.enabled)

    def look_both_ways(_: nn.Module, __: object, output: torch.Tensor) -> None:
        look()
        output.register_hook(look)

    model[0].register_forward_hook(look_both_ways)
    engine.step(*batches(row, rows)[1], RATE)
    assert seen == [one_dnn, one_dnn]
    assert torch.backends.mkldnn.enabled and model.training


def test_one_dnn_comes_back_when_a_step_fails() -> None:
    model = pictures()
    engine = AutogradEngine(model, TEN_CLASSES)
    X, y = batches((1, 8, 8), 10)[0]
    with pytest.raises(IndexError):
        engine.step(X, y + CLASSES, RATE)
    assert torch.backends.mkldnn.enabled
