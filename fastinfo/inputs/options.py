"""The options that all measures share."""

from __future__ import annotations

from typing import Any

from fastinfo.backends import name_of
from fastinfo.inputs import arguments, bin_arguments
from fastinfo.inputs.types import BackendName


class Options:
    """The keyword arguments that all measures share, checked before any sample is read."""

    def __init__(
        self,
        bins: Any,
        base: Any,
        estimator_name: Any,
        policy: Any,
        sample_weight: Any,
        backend: Any,
        jobs: Any,
    ) -> None:
        bin_arguments.require_bins(bins)
        self.bins = bins
        self.unit = arguments.log_base(base)
        """Nats in one unit of the result."""
        self.estimator = arguments.estimator(estimator_name)
        self.nan_policy = arguments.nan_policy(policy)
        self.sample_weight = sample_weight
        arguments.require_integers(self.estimator, sample_weight is not None)
        if backend is not None:  # None leaves the choice to the environment, which is read later
            name_of(backend)
        self.backend: BackendName | None = backend
        self.n_jobs = arguments.n_jobs(jobs)

    def refuse_for_counts(self, counts: str = "JointCounts") -> None:
        """Raise where an option that affects only samples was given with counts."""
        for name, is_given in (
            ("bins", self.bins is not None),
            ("sample_weight", self.sample_weight is not None),
            ("nan_policy", self.nan_policy != "raise"),
        ):
            if is_given:
                raise ValueError(
                    f"{name} says how samples are counted, and {counts} are counted already: "
                    f"pass it to {counts}"
                )
