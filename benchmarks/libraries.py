"""The same training in other libraries, each as its documentation shows it, with its fastest settings.

N rows, D inputs, B rows of a batch. A way is a function that trains for so many more epochs; loading and compiling are done before.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dlcore.datasets.split import Data
from dlcore.engines import compiled
from dlcore.engines.autograd import AutogradEngine
from dlcore.engines.dense import DenseEngine, Rows
from dlcore.experiment import MOST_EPOCHS, Experiment
from dlcore.learning.trainer import Trainer
from dlcore.network import build_model

Way = Callable[[int], object]

# Libraries read these variables when they are imported; peers.py also keeps the whole process on one core.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")


@dataclass(frozen=True)
class Case:
    """A recipe and its rows."""

    name: str
    experiment: Experiment
    data: Data

    @property
    def binary(self) -> bool:
        """Whether there are two classes, which take one output unit."""
        return self.experiment.dataset.num_classes == 2

    @property
    def units(self) -> list[int]:
        """The units of the hidden layers."""
        return [plan.outputs for plan in self.experiment.plan()[:-1]]

    @property
    def activation(self) -> str:
        """Of the hidden layers."""
        return self.experiment.plan()[0].activation

    def parts(self) -> tuple[nn.Sequential, torch.optim.Optimizer, nn.Module]:
        """Model, optimizer and loss in plain torch."""
        model = build_model(self.experiment)
        rule = getattr(torch.optim, self.experiment.optimizer.rule)
        loss = nn.BCEWithLogitsLoss() if self.binary else nn.CrossEntropyLoss()
        return model, rule(model.parameters(), **self.experiment.optimizer.arguments()), loss

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """X (N, D) and y: (N, 1) numbers for two classes, else (N,) classes."""
        train = self.data.train
        return train.X, train.y.astype(np.float32)[:, None] if self.binary else train.y


def ways(case: Case) -> dict[str, Way | None]:
    """{name: way}; None for a library that is not installed."""
    return {
        "ours": ours(case),
        "ours, steps alone": steps_alone(case),
        "torch, DataLoader": torch_loader(case),
        "torch, slices": torch_slices(case),
        "scikit-learn": scikit_learn(case),
        "Keras (JAX)": keras(case, 1) if _are_installed("keras", "jax") else None,
        "Keras (JAX), epoch an execution": keras(case, case.experiment.steps_per_epoch)
        if _are_installed("keras", "jax")
        else None,
        "skorch": skorch(case) if _are_installed("skorch") else None,
        "Lightning": lightning(case) if _are_installed("lightning") else None,
    }


def _are_installed(*names: str) -> bool:
    return all(find_spec(name) is not None for name in names)


def ours(case: Case) -> Way:
    """Our trainer as in the playground: each epoch both splits are scored and a row is added to the history."""
    compiled.kernels(patient=True)
    trainer = Trainer(case.experiment, "cpu", case.data)

    def train(epochs: int) -> None:
        if trainer.epoch + epochs >= MOST_EPOCHS:
            trainer.reset()
        end = trainer.epoch + epochs
        while trainer.epoch < end:
            trainer.advance(epochs=end - trainer.epoch)

    return train


def steps_alone(case: Case) -> Way:
    """Only the steps of our compiled engine, in a new order of rows each epoch, as the other libraries train."""
    kernels = compiled.kernels(patient=True)
    assert kernels is not None
    experiment, train = case.experiment, case.data.train
    targets = experiment.coding.encode(torch.from_numpy(train.target))
    rows = Rows(torch.from_numpy(train.X), targets, torch.from_numpy(train.target), len(train.X) - 1)
    engine = DenseEngine(kernels, AutogradEngine(build_model(experiment), experiment), experiment, rows)
    rates = np.full(experiment.steps_per_epoch, experiment.optimizer.learning_rate)

    def steps(epochs: int) -> None:
        for _ in range(epochs):
            engine.take(rates, torch.randperm(len(train.X)).numpy(), 0)

    return steps


def torch_loader(case: Case) -> Way:
    """The loop of most tutorials, with a DataLoader."""
    model, optimizer, loss = case.parts()
    rows = TensorDataset(*map(torch.from_numpy, case.rows()))
    batches = DataLoader(rows, batch_size=case.experiment.batch_size, shuffle=True)

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for X_BD, y in batches:
                optimizer.zero_grad()
                value = loss(model(X_BD), y)
                value.backward()
                optimizer.step()
                value.item()

    return train


def torch_slices(case: Case) -> Way:
    """The same over slices of tensors whose rows are shuffled once an epoch."""
    model, optimizer, loss = case.parts()
    X, y = map(torch.from_numpy, case.rows())
    size = case.experiment.batch_size

    def train(epochs: int) -> None:
        for _ in range(epochs):
            order = torch.randperm(len(X))
            X_epoch, y_epoch = X[order], y[order]
            for start in range(0, len(X), size):
                optimizer.zero_grad()
                value = loss(model(X_epoch[start : start + size]), y_epoch[start : start + size])
                value.backward()
                optimizer.step()
                value.item()

    return train


def scikit_learn(case: Case) -> Way:
    """MLPClassifier.fit without penalty, momentum and early stopping, as in the recipe."""
    optimizer = case.experiment.optimizer
    settings = {"solver": optimizer.kind, "learning_rate_init": optimizer.learning_rate, "momentum": 0.0}
    settings |= {"activation": case.activation, "alpha": 0.0, "batch_size": case.experiment.batch_size, "tol": 0.0}

    def train(epochs: int) -> None:
        model = MLPClassifier(case.units, max_iter=epochs, n_iter_no_change=epochs + 1, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # A warning that training has not converged, which is not its aim here.
            model.fit(case.data.train.X, case.data.train.y)

    return train


def keras(case: Case, steps_per_execution: int) -> Way:
    """model.fit of Keras 3, whose default is one step for each execution."""
    library: Any = import_module("keras")

    dense = [library.layers.Dense(units, case.activation) for units in case.units]
    output = library.layers.Dense(case.experiment.num_outputs)
    model = library.Sequential([library.Input((case.experiment.num_inputs,)), *dense, output])
    losses = library.losses
    loss = losses.BinaryCrossentropy if case.binary else losses.SparseCategoricalCrossentropy
    rule = {"sgd": library.optimizers.SGD, "adam": library.optimizers.Adam}[case.experiment.optimizer.kind]
    optimizer = rule(case.experiment.optimizer.learning_rate)
    model.compile(optimizer, loss(from_logits=True), steps_per_execution=steps_per_execution)
    X, y = case.rows()
    return lambda epochs: model.fit(X, y, batch_size=case.experiment.batch_size, epochs=epochs, verbose=0)


def skorch(case: Case) -> Way:
    """NeuralNet.fit_loop without callbacks and without validation rows."""
    library: Any = import_module("skorch")

    model, _, loss = case.parts()
    net = library.NeuralNet(
        model,
        type(loss),
        optimizer=getattr(torch.optim, case.experiment.optimizer.rule),
        lr=case.experiment.optimizer.learning_rate,
        batch_size=case.experiment.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks="disable",
        verbose=0,
    ).initialize()
    X, y = case.rows()
    return lambda epochs: net.fit_loop(X, y, epochs=epochs)


def lightning(case: Case) -> Way:
    """Trainer.fit in its barebones mode: no logger, no checkpoints, no progress bar."""
    library: Any = import_module("lightning")

    model, optimizer, loss = case.parts()

    class Module(library.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: Any, index: int) -> torch.Tensor:
            X_BD, y = batch
            return loss(self.model(X_BD), y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return optimizer

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    rows = TensorDataset(*map(torch.from_numpy, case.rows()))
    batches = DataLoader(rows, batch_size=case.experiment.batch_size, shuffle=True)
    module = Module()

    def train(epochs: int) -> None:
        with warnings.catch_warnings():
            # A warning that the loader has no worker processes, which rows in memory do not need.
            warnings.simplefilter("ignore")
            trainer = library.Trainer(accelerator="cpu", devices=1, max_epochs=epochs, barebones=True)
            trainer.fit(module, batches)

    return train
