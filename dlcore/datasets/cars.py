"""32 cars of 1973 and 1974 from the magazine Motor Trend (Henderson and Velleman, Building multiple regression models
interactively, Biometrics, 1981): the table of a recipe that names no other."""

from __future__ import annotations

import numpy as np

from dlcore.datasets.store import Stored

NAME = "Motor Trend cars"
NUMBERS = ("miles per gallon", "displacement", "horsepower", "rear axle ratio", "weight", "quarter mile time")
CATEGORY, CATEGORIES = "cylinders", ("4", "6", "8")
TARGET, CLASSES = "transmission", ("automatic", "manual")

# The columns of NUMBERS (displacement in cubic inches, weight in 1000 lb, time in seconds), index into CATEGORIES, index into CLASSES.
ROWS = (
    (21.0, 160.0, 110, 3.90, 2.620, 16.46, 1, 1),
    (21.0, 160.0, 110, 3.90, 2.875, 17.02, 1, 1),
    (22.8, 108.0, 93, 3.85, 2.320, 18.61, 0, 1),
    (21.4, 258.0, 110, 3.08, 3.215, 19.44, 1, 0),
    (18.7, 360.0, 175, 3.15, 3.440, 17.02, 2, 0),
    (18.1, 225.0, 105, 2.76, 3.460, 20.22, 1, 0),
    (14.3, 360.0, 245, 3.21, 3.570, 15.84, 2, 0),
    (24.4, 146.7, 62, 3.69, 3.190, 20.00, 0, 0),
    (22.8, 140.8, 95, 3.92, 3.150, 22.90, 0, 0),
    (19.2, 167.6, 123, 3.92, 3.440, 18.30, 1, 0),
    (17.8, 167.6, 123, 3.92, 3.440, 18.90, 1, 0),
    (16.4, 275.8, 180, 3.07, 4.070, 17.40, 2, 0),
    (17.3, 275.8, 180, 3.07, 3.730, 17.60, 2, 0),
    (15.2, 275.8, 180, 3.07, 3.780, 18.00, 2, 0),
    (10.4, 472.0, 205, 2.93, 5.250, 17.98, 2, 0),
    (10.4, 460.0, 215, 3.00, 5.424, 17.82, 2, 0),
    (14.7, 440.0, 230, 3.23, 5.345, 17.42, 2, 0),
    (32.4, 78.7, 66, 4.08, 2.200, 19.47, 0, 1),
    (30.4, 75.7, 52, 4.93, 1.615, 18.52, 0, 1),
    (33.9, 71.1, 65, 4.22, 1.835, 19.90, 0, 1),
    (21.5, 120.1, 97, 3.70, 2.465, 20.01, 0, 0),
    (15.5, 318.0, 150, 2.76, 3.520, 16.87, 2, 0),
    (15.2, 304.0, 150, 3.15, 3.435, 17.30, 2, 0),
    (13.3, 350.0, 245, 3.73, 3.840, 15.41, 2, 0),
    (19.2, 400.0, 175, 3.08, 3.845, 17.05, 2, 0),
    (27.3, 79.0, 66, 4.08, 1.935, 18.90, 0, 1),
    (26.0, 120.3, 91, 4.43, 2.140, 16.70, 0, 1),
    (30.4, 95.1, 113, 3.77, 1.513, 16.90, 0, 1),
    (15.8, 351.0, 264, 4.22, 3.170, 14.50, 2, 1),
    (19.7, 145.0, 175, 3.62, 2.770, 15.50, 1, 1),
    (15.0, 301.0, 335, 3.54, 3.570, 14.60, 2, 1),
    (21.4, 121.0, 109, 4.11, 2.780, 18.60, 0, 1),
)


def make_stored() -> Stored:
    """The cars in the form in which the store returns a table."""
    names = [(CATEGORY, CATEGORIES), (TARGET, CLASSES)]
    columns = [{"name": name, "kind": "number"} for name in NUMBERS]
    columns += [{"name": name, "kind": "category", "values": list(values)} for name, values in names]
    arrays = {f"c{index}": np.array(cells) for index, cells in enumerate(zip(*ROWS, strict=True))}
    return Stored({"form": "table 1", "name": NAME, "rows": len(ROWS), "columns": columns}, arrays)
