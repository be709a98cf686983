"""How a table's model is used elsewhere: its inputs built from what stands in the file, with pandas and torch alone."""

import json

import pandas as pd
import torch
from safetensors import safe_open
from torch import nn

with safe_open("run/model.safetensors", framework="pt") as file:
    facts = file.metadata()
    weights = {name: file.get_tensor(name) for name in file.keys()}

table, inputs = pd.read_csv("new.csv", skipinitialspace=True), []
columns = json.loads(facts["recipe"])["dataset"]["columns"]
for column, learned in zip(columns, json.loads(facts["preparation"]), strict=True):
    cells = table[column["name"]]
    if column["kind"] == "category":  # one input a category: 1 where the row has it
        values = column["values"]
        fill = values[learned["fill"]] if learned["fill"] in range(len(values)) else None
        cells = cells.where(cells.notna(), fill)
        inputs += [(cells == value) & seen for value, seen in zip(values, learned["seen"], strict=True)]
    else:
        if column["kind"] == "date":  # days since 1970-01-01
            cells = (pd.to_datetime(cells) - pd.Timestamp(0)) / pd.Timedelta(days=1)
        scaled = (cells.fillna(learned["fill"]) - learned["shift"]) / learned["divisor"]
        inputs.append(scaled * learned["factor"] + learned["offset"])
X = torch.tensor(pd.concat(inputs, axis=1).astype("float32").to_numpy())

model = nn.Sequential(nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 1))  # as the recipe's layers say
model.load_state_dict(weights)
probability_of_class_1 = model(X).sigmoid()
print(probability_of_class_1)
