"""A dense reference for fastinfo.torch: matrices of samples by bins, differentiated by PyTorch.

Nothing in it is written with memory or speed in mind, and nothing is shared with the package.
"""

import torch


def shares(values, low, high, n_bins, kernel="bspline", order=3, sigma=0.5):
    """What each bin gets of each sample, ``(..., n, B)``."""
    t = ((values - low) / (high - low)).clamp(0, 1)[..., None]
    j = torch.arange(n_bins, dtype=values.dtype)
    if kernel == "gaussian":
        return torch.softmax(-((t * (n_bins - 1) - j) ** 2) / (2 * sigma**2), dim=-1)
    d = (t * (n_bins - order) + (order - 1) / 2 - j).abs()
    if order == 0:
        code = (t[..., 0] * n_bins).floor().clamp_max(n_bins - 1).long()
        return torch.nn.functional.one_hot(code, n_bins).to(values.dtype)
    if order == 1:
        return (1 - d).clamp_min(0)
    if order == 2:
        return torch.where(d < 0.5, 0.75 - d**2, (1.5 - d).clamp_min(0) ** 2 / 2)
    return torch.where(d < 1, 2 / 3 - d**2 + d**3 / 2, (2 - d).clamp_min(0) ** 3 / 6)


def information(joint, average=None):
    """I of a joint table ``(..., B_x, B_y)``, or I over an average of the entropies."""
    p = joint / joint.sum(dim=(-2, -1), keepdim=True)
    px, py = p.sum(dim=-1, keepdim=True), p.sum(dim=-2, keepdim=True)
    tiny = 1e-300
    value = (p * ((p + tiny) / (px * py + tiny)).log()).sum(dim=(-2, -1))
    if average is None:
        return value
    hx = -(px * (px + tiny).log()).sum(dim=(-2, -1))
    hy = -(py * (py + tiny).log()).sum(dim=(-2, -1))
    return value / average(hx, hy)


def mutual_information(x, y, bins, x_spread, y_spread, weights=None, average=None):
    """Of samples ``(..., n)`` over the range that each variable has where weights are not 0."""
    present = torch.ones_like(x) if weights is None else weights
    tables = []
    for values, n_bins, spread in ((x, bins[0], x_spread), (y, bins[1], y_spread)):
        low = torch.where(present > 0, values, torch.inf).amin(-1, keepdim=True)
        high = torch.where(present > 0, values, -torch.inf).amax(-1, keepdim=True)
        tables.append(shares(values, low, high, n_bins, **spread))
    joint = (tables[0] * present[..., None]).transpose(-1, -2) @ tables[1]
    return information(joint, average)
