"""torch modules for sequences: torch's own classes, so that their tensors keep torch's names, with one tensor in and one out.

B rows of a batch, T steps, D features, K units. Exported scripts carry the source of these classes, each by itself: so the three
recurrent ones repeat what they share.
"""

# torch types what the base classes may take; these take one tensor and give one.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import math

import torch
from torch import nn


class TimeConv1d(nn.Conv1d):
    """nn.Conv1d over time: (B, T, D) in, (B, T', K) out."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return super().forward(values.transpose(1, 2)).transpose(1, 2)


class TimeMaxPool1d(nn.MaxPool1d):
    """nn.MaxPool1d over time: (B, T, D) in, (B, T', D) out."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.max_pool1d(values.transpose(1, 2), self.kernel_size).transpose(1, 2)


class TimeAvgPool1d(nn.AvgPool1d):
    """nn.AvgPool1d over time: (B, T, D) in, (B, T', D) out."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return super().forward(values.transpose(1, 2)).transpose(1, 2)


class TimeAverage(nn.Module):
    """The mean over all steps: (B, T, D) in, (B, D) out."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.mean(1)


class Padding:
    """Which steps of the batch in work are padding: told by the embedding, asked by attention."""

    def __init__(self) -> None:
        self.steps: torch.Tensor | None = None  # (B, T) bool; None where nothing was told


class TokenEmbedding(nn.Embedding):
    """nn.Embedding of ids that come as float numbers: (B, T) in, (B, T, D) out; 0 is padding and has the vector 0."""

    def __init__(self, vocabulary: int, dimensions: int, spread: float, device: str | None = None) -> None:
        super().__init__(vocabulary, dimensions, padding_idx=0, device=device)
        self.spread = spread
        self.padding = Padding()

    def reset_parameters(self) -> None:
        """Nothing: `begin` fills the vectors. On the meta device torch's own start would import its compiler, which takes seconds."""

    def begin(self, generator: torch.Generator) -> None:
        """Fill the vectors: normal numbers with this standard deviation, those of padding 0."""
        self.weight.normal_(std=self.spread, generator=generator)
        self.weight[0] = 0

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        ids = ids.long()
        self.padding.steps = ids == 0
        return super().forward(ids)


class StepsRNN(nn.RNN):
    """nn.RNN: (B, T, D) in; out the states of all steps (B, T, K), or where "last" is returned (B, K) after the last one."""

    def __init__(self, features: int, units: int, returns: str, bidirectional: bool, device: str | None = None) -> None:
        super().__init__(features, units, batch_first=True, bidirectional=bidirectional, device=device)
        self.returns = returns

    def begin(self, generator: torch.Generator) -> None:
        """Fill all as torch does: uniform within 1 / sqrt(units)."""
        for parameter in self.parameters():
            parameter.uniform_(-(self.hidden_size**-0.5), self.hidden_size**-0.5, generator=generator)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        states = super().forward(values)[0]
        if self.returns == "all":
            return states
        # The second direction has read all steps when it is at the first one.
        ahead, back = states[:, -1, : self.hidden_size], states[:, 0, self.hidden_size :]
        return torch.cat([ahead, back], dim=1) if self.bidirectional else ahead


class StepsLSTM(nn.LSTM):
    """nn.LSTM: (B, T, D) in; out the states of all steps (B, T, K), or where "last" is returned (B, K) after the last one."""

    def __init__(
        self,
        features: int,
        units: int,
        returns: str,
        bidirectional: bool,
        forget_bias: float,
        device: str | None = None,
    ) -> None:
        super().__init__(features, units, batch_first=True, bidirectional=bidirectional, device=device)
        self.returns = returns
        self.forget_bias = forget_bias

    def begin(self, generator: torch.Generator) -> None:
        """Fill all as torch does, uniform within 1 / sqrt(units); a forget bias replaces that of the inputs, as both are added."""
        for name, parameter in self.named_parameters():
            parameter.uniform_(-(self.hidden_size**-0.5), self.hidden_size**-0.5, generator=generator)
            if self.forget_bias and name.startswith("bias"):
                forget = parameter[self.hidden_size : 2 * self.hidden_size]
                forget.fill_(self.forget_bias if name.startswith("bias_ih") else 0.0)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        states = super().forward(values)[0]
        if self.returns == "all":
            return states
        # The second direction has read all steps when it is at the first one.
        ahead, back = states[:, -1, : self.hidden_size], states[:, 0, self.hidden_size :]
        return torch.cat([ahead, back], dim=1) if self.bidirectional else ahead


class StepsGRU(nn.GRU):
    """nn.GRU: (B, T, D) in; out the states of all steps (B, T, K), or where "last" is returned (B, K) after the last one."""

    def __init__(self, features: int, units: int, returns: str, bidirectional: bool, device: str | None = None) -> None:
        super().__init__(features, units, batch_first=True, bidirectional=bidirectional, device=device)
        self.returns = returns

    def begin(self, generator: torch.Generator) -> None:
        """Fill all as torch does: uniform within 1 / sqrt(units)."""
        for parameter in self.parameters():
            parameter.uniform_(-(self.hidden_size**-0.5), self.hidden_size**-0.5, generator=generator)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        states = super().forward(values)[0]
        if self.returns == "all":
            return states
        # The second direction has read all steps when it is at the first one.
        ahead, back = states[:, -1, : self.hidden_size], states[:, 0, self.hidden_size :]
        return torch.cat([ahead, back], dim=1) if self.bidirectional else ahead


class SelfAttention(nn.MultiheadAttention):
    """The tensors of nn.MultiheadAttention, with queries, keys and values of the same steps: (B, T, D) in, (B, T, D) out."""

    def __init__(self, features: int, heads: int, causal: bool, device: str | None = None) -> None:
        super().__init__(features, heads, batch_first=True, device=device)
        self.causal = causal
        self.padding = Padding()

    def begin(self, generator: torch.Generator) -> None:
        """Fill all as torch does: Glorot uniform for queries, keys and values together, uniform for what comes out, biases 0."""
        features = self.embed_dim
        for weight, bound in (
            (self.in_proj_weight, math.sqrt(6 / (4 * features))),
            (self.out_proj.weight, features**-0.5),
        ):
            weight.uniform_(-bound, bound, generator=generator)
        self.in_proj_bias.zero_()
        self.out_proj.bias.zero_()

    def weigh(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, heads, T, T): how much each step (third axis) looks at each other one; and (B, heads, T, D / heads) what it sees there."""
        queries, keys, seen = (
            part.unflatten(2, (self.num_heads, self.head_dim)).transpose(1, 2)
            for part in nn.functional.linear(values, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=2)
        )
        scores = queries @ keys.transpose(2, 3) * self.head_dim**-0.5
        steps = values.shape[1]
        if self.causal:
            later = torch.ones(steps, steps, dtype=torch.bool, device=values.device).triu(1)
            scores = scores.masked_fill(later, -1e9)
        padding = self.padding.steps
        if padding is not None and padding.shape == values.shape[:2]:
            # Not minus infinity: a row of nothing but padding would have no weights.
            scores = scores.masked_fill(padding[:, None, None, :], -1e9)
        return scores.softmax(3), seen

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        weights, seen = self.weigh(values)
        return self.out_proj((weights @ seen).transpose(1, 2).flatten(2))


class SinePositions(nn.Module):
    """Adds sin and cos of t / 10000^(2i / D) to each step t: (B, T, D) in, (B, T, D) out."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        steps, features = values.shape[1:]
        place = torch.arange(steps, device=values.device)[:, None]
        pair = torch.arange(features, device=values.device) // 2
        angle = place / 10000 ** (2 * pair / features)
        even = torch.arange(features, device=values.device) % 2 == 0
        return values + torch.where(even, angle.sin(), angle.cos())


class LearnedPositions(nn.Module):
    """Adds a learned vector to each step: (B, T, D) in, (B, T, D) out."""

    def __init__(self, steps: int, features: int, device: str | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(steps, features, device=device))

    def begin(self, generator: torch.Generator) -> None:
        """Fill the vectors: normal with deviation 0.1, so that what is read counts more."""
        self.weight.normal_(0, 0.1, generator=generator)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values + self.weight
