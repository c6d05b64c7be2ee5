"""How many threads BLAS takes for the scores: one for small matrices, which more only slow down.

OpenBLAS's threads wait for the next product by spinning. Scores also depend on fewer
things: a sum that is not split is added in one order.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache

from threadpoolctl import ThreadpoolController

MANY_FEATURES = 512
"""From so many features on, as those of InceptionV3, products are large enough for more threads."""


def blas_threads(num_features: int) -> AbstractContextManager[object]:
    """A block in which BLAS computes with one thread; from ``MANY_FEATURES`` on, as it is set."""
    if num_features >= MANY_FEATURES:
        return nullcontext()
    limited: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limited


@cache
def _controller() -> ThreadpoolController:
    """The libraries that are loaded, found once; numpy's and scipy's are by now."""
    return ThreadpoolController()
