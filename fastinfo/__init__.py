"""fastinfo measures how much information one variable carries about another.

The functions here compute entropy, mutual information and divergences of samples. `fastinfo.pmf`
computes them from probabilities. `pairwise_mutual_information` and `top_pairs` measure every pair
of features of a wide table, also given a third variable; `top_interactions` and
`pairwise_interaction` measure what every pair tells about a target.
"""

import lazy_loader

# Importing all modules takes longer than importing NumPy. So what `__init__.pyi` imports comes with
# its first use; type checkers read that file and see it all. The function `backends` has the name
# of its package, which would take its place.
from fastinfo.backends import backends as backends

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
