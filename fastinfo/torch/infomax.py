"""Deep InfoMax: an encoder that learns by making its code informative about its input.

There are three losses, to be used one by one or weighted together [1]_. The global loss makes the
code tell about the whole feature map, and the local loss about every cell of it. Prior matching
makes the distribution of the code follow a prior, adversarially. Each loss holds the network that
it needs beside the encoder, so that one optimiser over ``[*encoder.parameters(),
*loss.parameters()]`` trains all::

    features, code = encoder(images)
    loss(features, code).backward()

.. [1] R. D. Hjelm et al., "Learning deep representations by mutual information estimation and
   maximization", ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from fastinfo.inputs.arguments import one_of
from fastinfo.torch import arguments
from fastinfo.torch.bounds import LOWER_BOUNDS

__all__ = [
    "DeepInfoMax",
    "GlobalInfoMax",
    "LocalInfoMax",
    "PriorMatching",
]


class _InfoMax(nn.Module):
    """A critic and the bound that it and the encoder maximise together."""

    def __init__(self, critic: nn.Module, bound: str = "jensen_shannon") -> None:
        super().__init__()
        self.critic = critic
        self.bound = str(one_of(bound, "bound", LOWER_BOUNDS))

    def extra_repr(self) -> str:
        """The settings, for `repr`."""
        return f"bound={self.bound!r}"

    def of_scores(self, scores: Tensor) -> Tensor:
        """Minus the bound, averaged over the matrices of scores."""
        # At its limit InfoNCE still has a gradient, and a loss need not estimate the information.
        settings = {"on_saturation": "ignore"} if self.bound == "infonce" else {}
        loss: Tensor = -LOWER_BOUNDS[self.bound](scores, **settings).mean()
        return loss


class GlobalInfoMax(_InfoMax):
    """Minus a bound, in nats, on the information of a code about the whole feature map.

    Parameters
    ----------
    critic : torch.nn.Module
        ``critic(features (N, F), code (N, d)) -> scores (N, N)``, see `SeparableCritic`. F is the
        size of a flattened feature map.
    bound : {"jensen_shannon", "infonce", "nwj", "donsker_varadhan"}
        The bound that critic and encoder maximise.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import GlobalInfoMax, SeparableCritic
    >>> loss = GlobalInfoMax(SeparableCritic(3 * 4 * 4, 8))
    >>> loss(torch.zeros(5, 3, 4, 4), torch.zeros(5, 8)).shape
    torch.Size([])
    """

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        """The loss of features ``(N, …)`` and code ``(N, d)``, a scalar."""
        _require_batch(features, code, least_ndim=2)
        return self.of_scores(self.critic(features.flatten(1), code))


class LocalInfoMax(_InfoMax):
    """Minus a bound, in nats, on the information about each cell of the feature map, averaged.

    Each cell is compared with the same cell of the other samples, so that the code has to tell
    about all parts of the input, not about one of them only.

    Parameters
    ----------
    critic : torch.nn.Module
        ``critic(features (L, N, C), code (N, d)) -> scores (L, N, N)`` for the L cells, see
        `SeparableCritic`. One critic serves all cells. C is the number of channels.
    bound : {"jensen_shannon", "infonce", "nwj", "donsker_varadhan"}
        The bound that critic and encoder maximise.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import LocalInfoMax, SeparableCritic
    >>> loss = LocalInfoMax(SeparableCritic(3, 8))
    >>> loss(torch.zeros(5, 3, 4, 4), torch.zeros(5, 8)).shape
    torch.Size([])
    """

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        """The loss of features ``(N, C, *cells)`` and code ``(N, d)``, a scalar."""
        _require_batch(features, code, least_ndim=3)
        return self.of_scores(self.critic(features.flatten(2).permute(2, 0, 1), code))


class PriorMatching(nn.Module):
    """A loss that draws the distribution of a code towards a prior, by a discriminator.

    The discriminator maximises V = E_prior[log D] + E_code[log(1 − D)], and the encoder minimises
    it: the two see **opposite signs** of the same quantity. One backward pass serves both, because
    the discriminator gets a detached code, and the encoder a discriminator of constant weights.

    Parameters
    ----------
    discriminator : torch.nn.Module
        ``discriminator(code (N, d)) -> (N, 1)`` or ``(N,)``, the logit of "this is the prior".
    prior : callable, optional
        ``prior(code)`` returns samples of the prior, of the shape of the code. The default is
        uniform in [0, 1), for codes that end in a sigmoid.
    non_saturating : bool
        Whether the encoder maximises E_code[log D] instead of minimising E_code[log(1 − D)]. The
        direction is the same, and there is a gradient even where the discriminator is sure [1]_.

    References
    ----------
    .. [1] I. Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, section 3.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import PriorMatching, perceptron
    >>> loss = PriorMatching(perceptron(8, 16, 1))
    >>> loss(torch.zeros(5, 8)).shape
    torch.Size([])
    """

    def __init__(
        self,
        discriminator: nn.Module,
        prior: Callable[[Tensor], Tensor] = torch.rand_like,
        non_saturating: bool = False,
    ) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.prior = prior
        self.non_saturating = bool(non_saturating)

    def discriminator_loss(self, code: Tensor) -> Tensor:
        """−V of the prior and the detached code, in nats; 2·log 2 where D is ½ everywhere."""
        code = code.detach()
        real, fake = (self.discriminator(samples) for samples in (self.prior(code), code))
        real, fake = arguments.wide(real), arguments.wide(fake)
        return functional.softplus(-real).mean() + functional.softplus(fake).mean()

    def encoder_loss(self, code: Tensor) -> Tensor:
        """The part of V that depends on the code, in nats; the discriminator gets no gradient."""
        constant = {
            name: value.detach()
            for name, value in (
                *self.discriminator.named_parameters(),
                *self.discriminator.named_buffers(),
            )
        }
        fake = torch.func.functional_call(self.discriminator, constant, (code,))
        fake = arguments.wide(fake)
        if self.non_saturating:
            return functional.softplus(-fake).mean()
        return -functional.softplus(fake).mean()

    def forward(self, code: Tensor) -> Tensor:
        """The sum of both losses. Only its gradients have a meaning; its value has none."""
        return self.discriminator_loss(code) + self.encoder_loss(code)


class DeepInfoMax(nn.Module):
    """The weighted sum of the three losses of Deep InfoMax.

    Parameters
    ----------
    global_loss, local_loss, prior_loss : torch.nn.Module, optional
        `GlobalInfoMax`, `LocalInfoMax` and `PriorMatching`. A loss that is left out adds 0.
    weights : (float, float, float)
        α, β and γ of the three losses, not negative. The paper takes (1, 0, 1), and (0, 1, 0.1)
        with the local loss.

    Raises
    ------
    TypeError, ValueError
        For other weights, and where neither the global nor the local loss has a weight above 0.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import DeepInfoMax, LocalInfoMax, PriorMatching, SeparableCritic
    >>> from fastinfo.torch import perceptron
    >>> loss = DeepInfoMax(
    ...     local_loss=LocalInfoMax(SeparableCritic(3, 8)),
    ...     prior_loss=PriorMatching(perceptron(8, 16, 1)),
    ...     weights=(0.0, 1.0, 0.1),
    ... )
    >>> loss(torch.zeros(5, 3, 4, 4), torch.zeros(5, 8)).shape
    torch.Size([])
    """

    def __init__(
        self,
        global_loss: GlobalInfoMax | None = None,
        local_loss: LocalInfoMax | None = None,
        prior_loss: PriorMatching | None = None,
        weights: tuple[float, float, float] = (1.0, 1.0, 0.1),
    ) -> None:
        super().__init__()
        if len(weights) != 3:
            raise ValueError(f"weights={weights!r}; accepted are three numbers")
        self.weights = tuple(arguments.number(w, "weights", 0, closed="above") for w in weights)
        if not any(
            part is not None and weight
            for part, weight in zip((global_loss, local_loss), self.weights, strict=False)
        ):
            raise ValueError(
                "neither global_loss nor local_loss is there with a weight above 0; prior matching "
                "alone learns nothing of the input"
            )
        self.global_loss, self.local_loss, self.prior_loss = global_loss, local_loss, prior_loss

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        """The weighted sum for features ``(N, C, *cells)`` and code ``(N, d)``, a scalar."""
        global_weight, local_weight, prior_weight = self.weights
        total = code.new_zeros(())
        if self.global_loss is not None and global_weight:
            total = total + global_weight * self.global_loss(features, code)
        if self.local_loss is not None and local_weight:
            total = total + local_weight * self.local_loss(features, code)
        if self.prior_loss is not None and prior_weight:
            total = total + prior_weight * self.prior_loss(code)
        return total


def _require_batch(features: Tensor, code: Tensor, least_ndim: int) -> None:
    arguments.floating(features, "features")
    arguments.floating(code, "code")
    if features.ndim < least_ndim or code.ndim != 2 or features.shape[0] != code.shape[0]:
        wanted = "(N, …)" if least_ndim == 2 else "(N, C, *places)"
        raise ValueError(
            f"features has shape {tuple(features.shape)} and code {tuple(code.shape)}; accepted "
            f"are {wanted} and (N, d)"
        )
