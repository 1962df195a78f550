"""Deep InfoMax: what each loss is, and who is pushed where by it."""

import math

import pytest
import torch
from torch import nn

from fastinfo.torch import (
    DeepInfoMax,
    GlobalInfoMax,
    LocalInfoMax,
    PriorMatching,
    SeparableCritic,
    jensen_shannon,
    perceptron,
)
from fastinfo.torch.bounds import LOWER_BOUNDS


@pytest.fixture
def batch():
    """Feature maps (N, C, H, W) and codes (N, d)."""
    torch.manual_seed(0)
    return torch.randn(6, 3, 4, 2).double(), torch.randn(6, 5).double()


@pytest.fixture
def parts():
    torch.manual_seed(1)
    return {
        "global_loss": GlobalInfoMax(SeparableCritic(3 * 4 * 2, 5)).double(),
        "local_loss": LocalInfoMax(SeparableCritic(3, 5)).double(),
        "prior_loss": PriorMatching(perceptron(5, 16, 1), prior=torch.zeros_like).double(),
    }


def gradients(loss, *of):
    return torch.autograd.grad(loss, of, retain_graph=True)


# --- global and local ---------------------------------------------------------------------------


@pytest.mark.parametrize("bound", LOWER_BOUNDS)
def test_losses_are_minus_the_bound(batch, bound):
    features, code = batch
    whole, places = SeparableCritic(24, 5).double(), SeparableCritic(3, 5).double()
    expected = -LOWER_BOUNDS[bound](whole(features.flatten(1), code))
    assert torch.allclose(GlobalInfoMax(whole, bound)(features, code), expected)
    each = [
        -LOWER_BOUNDS[bound](places(features[:, :, i, j], code)) for i in range(4) for j in range(2)
    ]
    assert torch.allclose(LocalInfoMax(places, bound)(features, code), torch.stack(each).mean())


def test_sequences_have_places_too(batch, parts):
    features, code = batch
    flat = parts["local_loss"](features.flatten(2), code)
    assert torch.allclose(flat, parts["local_loss"](features, code))


@pytest.mark.parametrize("name", ["global_loss", "local_loss"])
def test_gradients_are_right(batch, parts, name):
    inputs = tuple(value[:4].clone().requires_grad_() for value in batch)
    assert torch.autograd.gradcheck(parts[name], inputs)


def test_encoder_and_critic_are_pushed_the_same_way():
    """Both descend one loss: a small step of either alone lowers it."""
    torch.manual_seed(0)
    x = torch.randn(32, 6)
    encoder, loss = nn.Linear(6, 2), GlobalInfoMax(SeparableCritic(6, 2))
    before = loss(x, encoder(x))
    before.backward()
    for module in (encoder, loss):
        with torch.no_grad():
            for weight in module.parameters():
                weight -= 0.01 * weight.grad
            assert loss(x, encoder(x)) < before
            for weight in module.parameters():
                weight += 0.01 * weight.grad


# --- prior matching -----------------------------------------------------------------------------


def test_discriminator_and_encoder_get_opposite_signs(batch, parts):
    """∂/∂code of what the encoder descends is minus that of what the discriminator descends."""
    matching, code = parts["prior_loss"], batch[1].clone().requires_grad_()
    with_gradient = PriorMatching(matching.discriminator, prior=lambda _: torch.zeros_like(code))
    # The discriminator's loss, of a code that is not detached.
    as_seen = nn.functional.softplus(matching.discriminator(code)).mean()
    (of_discriminator,) = gradients(as_seen, code)
    (of_encoder,) = gradients(matching.encoder_loss(code), code)
    assert torch.allclose(of_encoder, -of_discriminator)
    assert of_encoder.abs().max() > 0
    (of_both,) = gradients(with_gradient(code), code)
    assert torch.allclose(of_both, of_encoder)


def test_one_backward_pass_serves_both(batch, parts):
    matching, code = parts["prior_loss"], batch[1].clone().requires_grad_()
    weights = list(matching.discriminator.parameters())
    of_both = gradients(matching(code), *weights)
    of_discriminator = gradients(matching.discriminator_loss(code), *weights)
    for both, alone in zip(of_both, of_discriminator, strict=True):
        assert torch.equal(both, alone)
    alone = matching.discriminator_loss(code)
    assert torch.autograd.grad(alone, code, allow_unused=True) == (None,)
    assert all(weight.grad is None for weight in weights)
    matching.encoder_loss(code).backward()
    assert all(weight.grad is None for weight in weights)


def test_the_non_saturating_gradient_has_the_direction_and_does_not_vanish(batch, parts):
    discriminator = parts["prior_loss"].discriminator
    with torch.no_grad():
        discriminator[-1].bias -= 20.0  # sure that every code is no prior
    found = {}
    for non_saturating in (False, True):
        code = batch[1].clone().requires_grad_()
        loss = PriorMatching(discriminator, non_saturating=non_saturating)
        (found[non_saturating],) = gradients(loss.encoder_loss(code), code)
    directions = [found[way] / found[way].norm(dim=1, keepdim=True) for way in found]
    assert torch.allclose(*directions)
    assert found[False].norm() < 1e-6 < 1e-2 < found[True].norm()


def test_gradients_of_the_prior_s_losses_are_right(batch, parts):
    code = batch[1][:4].clone().requires_grad_()
    loss = parts["prior_loss"]
    for non_saturating in (False, True):
        loss.non_saturating = non_saturating
        assert torch.autograd.gradcheck(loss.encoder_loss, (code,))

    class OfDiscriminator(nn.Module):
        def __init__(self):
            super().__init__()
            self.loss = loss

        def forward(self):
            return self.loss.discriminator_loss(code)

    whole = OfDiscriminator()
    names, weights = zip(*whole.named_parameters(), strict=True)

    def of_weights(*values):
        return torch.func.functional_call(whole, dict(zip(names, values, strict=True)), ())

    copies = tuple(weight.detach().clone().requires_grad_() for weight in weights)
    assert len(copies) == 4
    assert torch.autograd.gradcheck(of_weights, copies)
    assert of_weights(*weights).item() == pytest.approx(loss.discriminator_loss(code).item())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_under_autocast(batch, parts, dtype):
    """Scores come in half precision; what is made of them does not."""
    features, code = (value.float() for value in batch)
    losses = DeepInfoMax(**parts, weights=(1.0, 1.0, 1.0)).float()
    expected = losses(features, code)
    with torch.autocast("cpu", dtype):
        assert losses.global_loss.critic(features.flatten(1), code).dtype == dtype
        found = losses(features, code)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=0.05)


def test_what_is_like_the_prior_costs_two_bits(parts):
    matching = PriorMatching(nn.Linear(5, 1).double(), prior=lambda code: code)
    for weight in matching.discriminator.parameters():
        nn.init.zeros_(weight)
    loss = matching.discriminator_loss(torch.randn(9, 5).double())
    assert loss.item() == pytest.approx(2 * math.log(2))


def test_matching_moves_a_code_to_the_prior():
    """A code around 3 with a spread of ½ becomes standard normal, more or less."""
    torch.manual_seed(0)
    encoder = nn.Linear(1, 1)
    with torch.no_grad():
        encoder.weight.fill_(0.5)
        encoder.bias.fill_(3.0)
    loss = PriorMatching(perceptron(1, 32, 1), torch.randn_like, non_saturating=True)
    optimizer = torch.optim.Adam([*encoder.parameters(), *loss.parameters()], 5e-3, (0.5, 0.9))
    for _ in range(1500):
        optimizer.zero_grad()
        loss(encoder(torch.randn(128, 1))).backward()
        optimizer.step()
    assert encoder.bias.item() == pytest.approx(0, abs=0.35)
    assert abs(encoder.weight.item()) == pytest.approx(1, abs=0.35)


# --- together -----------------------------------------------------------------------------------


def test_the_whole_is_the_weighted_sum(batch, parts):
    features, code = batch
    whole = DeepInfoMax(**parts, weights=(0.5, 2.0, 0.1))
    expected = (
        0.5 * parts["global_loss"](features, code)
        + 2.0 * parts["local_loss"](features, code)
        + 0.1 * parts["prior_loss"](code)
    )
    assert torch.allclose(whole(features, code), expected)
    without = DeepInfoMax(**parts, weights=(0.0, 1.0, 0.0))(features, code)
    assert torch.allclose(without, parts["local_loss"](features, code))
    owned = {id(weight) for weight in whole.parameters()}
    assert all(id(w) in owned for part in parts.values() for w in part.parameters())


def test_a_code_learns_the_input():
    """Of a feature map the code can copy, the loss comes near the bound's limit, −log 2."""
    torch.manual_seed(0)
    encoder = nn.Linear(4, 4)
    loss = DeepInfoMax(GlobalInfoMax(SeparableCritic(4, 4)), weights=(1.0, 0.0, 0.0))
    optimizer = torch.optim.Adam([*encoder.parameters(), *loss.parameters()], lr=3e-3)
    for _ in range(300):
        x = torch.randn(64, 4)
        optimizer.zero_grad()
        loss(x, encoder(x)).backward()
        optimizer.step()
    x = torch.randn(64, 4)
    assert jensen_shannon(loss.global_loss.critic(x, encoder(x))).item() > 0.6


REFUSED = {
    "bound": (lambda: GlobalInfoMax(nn.Identity(), "mine"), "'donsker_varadhan', 'infonce'"),
    "nothing": (lambda: DeepInfoMax(), "neither global_loss nor local_loss"),
    "prior alone": (
        lambda: DeepInfoMax(prior_loss=PriorMatching(nn.Linear(2, 1))),
        "prior matching alone learns nothing",
    ),
    "weights": (lambda: DeepInfoMax(weights=(1.0,)), "three numbers"),
    "negative": (lambda: DeepInfoMax(weights=(1.0, -1.0, 0.0)), "weights=-1.0"),
    "batches": (
        lambda: GlobalInfoMax(nn.Identity())(torch.zeros(3, 4), torch.zeros(2, 4)),
        r"\(N, …\) and \(N, d\)",
    ),
    "places": (
        lambda: LocalInfoMax(nn.Identity())(torch.zeros(3, 4), torch.zeros(3, 4)),
        r"\(N, C, \*places\) and \(N, d\)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call()
