"""Real tables that come with scikit-learn. Inputs are standardized with the mean and deviation of the training rows."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from dlcore.datasets.base import DatasetComponent, Grey, Table
from dlcore.datasets.fitting import Fitting
from dlcore.datasets.preparation import Preparation, standardize
from dlcore.datasets.ready_images import list_stacks
from dlcore.libraries import room_for_libraries
from dlcore.objectives import Numbers, ObjectiveComponent, objective_of_classes


class BundledTable(DatasetComponent):
    """A table that scikit-learn carries; `loader` is its function in sklearn.datasets."""

    loader: ClassVar[str]
    size: ClassVar[int]

    @property
    def rows(self) -> int:
        return self.size

    def sample(self, generator: np.random.Generator) -> Table:
        with room_for_libraries():
            from sklearn import datasets

        bunch = getattr(datasets, self.loader)()
        class_names = tuple(str(name) for name in bunch.target_names) if self.objective.has_classes else ()
        target_type = np.int64 if self.objective.has_classes else np.float64
        names = tuple(str(name) for name in bunch.feature_names)
        return Table(bunch.data.astype(np.float64), bunch.target.astype(target_type), names, class_names)

    def prepare(self, X: np.ndarray, y: np.ndarray) -> Preparation:
        return standardize(X, None if self.objective.has_classes else y)


class Iris(BundledTable):
    """150 flowers, 4 lengths in cm, 3 species (Fisher, 1936)."""

    kind: Literal["iris"] = "iris"
    title: ClassVar[str] = "Iris"
    loader: ClassVar[str] = "load_iris"
    size: ClassVar[int] = 150
    inputs: ClassVar[int] = 4
    objective: ClassVar[ObjectiveComponent] = objective_of_classes(3)


class Wine(BundledTable):
    """178 wines, 13 chemical measurements, 3 growers (Forina et al., 1991)."""

    kind: Literal["wine"] = "wine"
    title: ClassVar[str] = "Wine"
    loader: ClassVar[str] = "load_wine"
    size: ClassVar[int] = 178
    inputs: ClassVar[int] = 13
    objective: ClassVar[ObjectiveComponent] = objective_of_classes(3)


class BreastCancer(BundledTable):
    """569 tumours, 30 measurements of cell nuclei, malignant or benign (Street et al., 1993)."""

    kind: Literal["breast_cancer"] = "breast_cancer"
    title: ClassVar[str] = "Breast cancer"
    loader: ClassVar[str] = "load_breast_cancer"
    size: ClassVar[int] = 569
    inputs: ClassVar[int] = 30
    objective: ClassVar[ObjectiveComponent] = objective_of_classes(2)


class Digits(BundledTable):
    """1,797 handwritten digits of 8x8 pixels, 10 classes (Alpaydin and Kaynak, 1998)."""

    kind: Literal["digits"] = "digits"
    title: ClassVar[str] = "Digits 8x8"
    group: ClassVar[str] = "images"
    loader: ClassVar[str] = "load_digits"
    size: ClassVar[int] = 1797
    inputs: ClassVar[int] = 64
    objective: ClassVar[ObjectiveComponent] = objective_of_classes(10)

    @property
    def picture(self) -> Grey:
        return Grey(height=8, width=8, brightest=16)

    def stacks(self, train_rows: int) -> dict[str, Fitting]:
        return list_stacks(8, 8, train_rows)

    def fitting(self, train_rows: int) -> Fitting:
        return self.stacks(train_rows)["small_cnn"]


class Diabetes(BundledTable):
    """442 patients, 10 measurements, progression of the disease after a year as a number (Efron et al., 2004)."""

    kind: Literal["diabetes"] = "diabetes"
    title: ClassVar[str] = "Diabetes"
    loader: ClassVar[str] = "load_diabetes"
    size: ClassVar[int] = 442
    inputs: ClassVar[int] = 10
    objective: ClassVar[ObjectiveComponent] = Numbers()
    tried: ClassVar[Fitting | None] = Fitting(learning_rate=0.001)


Tabular = Iris | Wine | BreastCancer | Digits | Diabetes
