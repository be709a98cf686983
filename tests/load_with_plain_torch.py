"""How the README loads a model that was trained here: with torch and safetensors alone."""

import json

import torch
from safetensors import safe_open
from torch import nn

with safe_open("run/model.safetensors", framework="pt") as file:
    facts = file.metadata()
    weights = {name: file.get_tensor(name) for name in file.keys()}

model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1))
model.load_state_dict(weights)
model.eval()

mean, deviation = torch.tensor(json.loads(facts["input_mean"])), torch.tensor(json.loads(facts["input_deviation"]))
X = torch.tensor([[0.5, -1.0], [4.0, 2.0]])  # x1 and x2: facts["input_names"]
probability_of_class_1 = model((X - mean) / deviation).sigmoid()
print(probability_of_class_1)
