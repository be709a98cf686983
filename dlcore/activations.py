"""Activations: the bend between two layers, applied to each unit by itself. z is a unit's weighted sum, a = f(z) its activation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from dlcore.component import Component

if TYPE_CHECKING:
    from torch import nn


class ActivationComponent(Component):
    """f(z), elementwise; `module` is its class in torch.nn."""

    module: ClassVar[str]

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the torch.nn class."""
        return {}

    def build(self) -> nn.Module:
        """The torch module: any shape in, the same shape out."""
        from torch import nn

        return getattr(nn, self.module)(**self.arguments())

    def script_module(self) -> str:
        """The same as an exported script writes it."""
        return f"nn.{self.module}({', '.join(f'{name}={value!r}' for name, value in self.arguments().items())})"


class Linear(ActivationComponent):
    """f(z) = z: no bend; stacked linear layers are one linear layer (Goodfellow et al., Deep Learning, 2016, section 6.1)."""

    kind: Literal["linear"] = "linear"
    title: ClassVar[str] = "Linear"
    module: ClassVar[str] = "Identity"


class Sigmoid(ActivationComponent):
    """f(z) = 1 / (1 + exp(-z)): squeezes to (0, 1); its slope is at most 1/4, so gradients shrink (Rumelhart et al., 1986)."""

    kind: Literal["sigmoid"] = "sigmoid"
    title: ClassVar[str] = "Sigmoid"
    module: ClassVar[str] = "Sigmoid"


class Tanh(ActivationComponent):
    """f(z) = tanh(z): squeezes to (-1, 1), centred on zero (LeCun et al., Efficient BackProp, 1998)."""

    kind: Literal["tanh"] = "tanh"
    title: ClassVar[str] = "Tanh"
    module: ClassVar[str] = "Tanh"


class ReLU(ActivationComponent):
    """f(z) = max(0, z): cheap, does not saturate for z > 0; a unit with z < 0 everywhere is dead (Nair and Hinton, 2010)."""

    kind: Literal["relu"] = "relu"
    title: ClassVar[str] = "ReLU"
    module: ClassVar[str] = "ReLU"


class LeakyReLU(ActivationComponent):
    """f(z) = z for z > 0, else slope * z: a ReLU whose units cannot die (Maas et al., 2013)."""

    kind: Literal["leaky_relu"] = "leaky_relu"
    title: ClassVar[str] = "Leaky ReLU"
    module: ClassVar[str] = "LeakyReLU"
    slope: float = Field(default=0.01, ge=0, le=1, description="Slope for z < 0.")

    def arguments(self) -> dict[str, Any]:
        return {"negative_slope": self.slope}


class ELU(ActivationComponent):
    """f(z) = z for z > 0, else alpha * (exp(z) - 1): smooth, mean activation near zero (Clevert et al., 2016)."""

    kind: Literal["elu"] = "elu"
    title: ClassVar[str] = "ELU"
    module: ClassVar[str] = "ELU"
    alpha: float = Field(default=1.0, gt=0, le=10, description="The value -alpha is reached for very negative z.")

    def arguments(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class SELU(ActivationComponent):
    """f(z) = 1.0507 * ELU(z; alpha = 1.6733): keeps mean 0 and variance 1 through deep stacks (Klambauer et al., 2017)."""

    kind: Literal["selu"] = "selu"
    title: ClassVar[str] = "SELU"
    module: ClassVar[str] = "SELU"


class GELU(ActivationComponent):
    """f(z) = z * Phi(z), Phi the standard normal distribution function (Hendrycks and Gimpel, 2016)."""

    kind: Literal["gelu"] = "gelu"
    title: ClassVar[str] = "GELU"
    module: ClassVar[str] = "GELU"


class SiLU(ActivationComponent):
    """f(z) = z * sigmoid(z), also called swish (Elfwing et al., 2018; Ramachandran et al., 2017)."""

    kind: Literal["silu"] = "silu"
    title: ClassVar[str] = "SiLU"
    module: ClassVar[str] = "SiLU"


class Softplus(ActivationComponent):
    """f(z) = log(1 + exp(z)): a smooth ReLU whose slope is the sigmoid (Dugas et al., 2001)."""

    kind: Literal["softplus"] = "softplus"
    title: ClassVar[str] = "Softplus"
    module: ClassVar[str] = "Softplus"


class Mish(ActivationComponent):
    """f(z) = z * tanh(softplus(z)): smooth, dips below zero once (Misra, 2020)."""

    kind: Literal["mish"] = "mish"
    title: ClassVar[str] = "Mish"
    module: ClassVar[str] = "Mish"


Activation = Annotated[
    Linear | Sigmoid | Tanh | ReLU | LeakyReLU | ELU | SELU | GELU | SiLU | Softplus | Mish, Field(discriminator="kind")
]
