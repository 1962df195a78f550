"""Correlated Gaussians, of which every information is known, for the tests of `fastinfo.torch`.

x and y have d dimensions, each pair of which has the correlation ρ: I(X;Y) = −d/2·log(1 − ρ²).
"""

import math

import torch


def correlation(information, dimension):
    return math.sqrt(1 - math.exp(-2 * information / dimension))


def correlated_gaussians(n, dimension, information, generator):
    """Samples ``(n, d)`` of x and of y."""
    rho = correlation(information, dimension)
    x = torch.randn(n, dimension, generator=generator)
    return x, rho * x + math.sqrt(1 - rho**2) * torch.randn(n, dimension, generator=generator)


def log_conditional(x, y, information):
    """Log p(y[j]|x[i]) of all pairs."""
    rho = correlation(information, x.shape[1])
    squared = (y - rho * x.unsqueeze(1)).square().sum(-1) / (1 - rho**2)
    return -(squared + x.shape[1] * math.log(2 * math.pi * (1 - rho**2))) / 2


def log_ratio(x, y, information):
    """Log p(x, y)/(p(x)·p(y)) of all pairs."""
    log_marginal = -(y.square().sum(-1) + y.shape[1] * math.log(2 * math.pi)) / 2
    return log_conditional(x, y, information) - log_marginal
