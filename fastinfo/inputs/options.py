"""The options that all measures share, checked once."""

from __future__ import annotations

from typing import Any

from fastinfo.backends import name_of
from fastinfo.inputs import arguments, bin_arguments
from fastinfo.inputs.types import BackendName


class Options:
    """The keyword arguments that all measures share, checked before samples are looked at."""

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
        """Nats to one unit of the result."""
        self.estimator = arguments.estimator(estimator_name)
        self.nan_policy = arguments.nan_policy(policy)
        self.sample_weight = sample_weight
        arguments.require_integers(self.estimator, sample_weight is not None)
        if backend is not None:  # else the environment has a say, which is read when it is needed
            name_of(backend)
        self.backend: BackendName | None = backend
        self.n_jobs = arguments.n_jobs(jobs)

    def refuse_for_counts(self) -> None:
        """Raise where an option about samples came with counts, on which it has no influence."""
        for name, is_given in (
            ("bins", self.bins is not None),
            ("sample_weight", self.sample_weight is not None),
            ("nan_policy", self.nan_policy != "raise"),
        ):
            if is_given:
                raise ValueError(
                    f"{name} says how samples are counted, and JointCounts are counted already: "
                    f"pass it to JointCounts"
                )
