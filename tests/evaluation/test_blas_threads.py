"""One thread for small matrices, while scores are computed and no longer."""

import pytest
from threadpoolctl import ThreadpoolController

from harness.evaluation.blas_threads import MANY_FEATURES, blas_threads


def blas():
    """The thread counts of numpy's and scipy's BLAS."""
    found = ThreadpoolController().select(user_api="blas").info()
    return [library["num_threads"] for library in found]


@pytest.fixture
def three_threads():
    with ThreadpoolController().limit(limits=3, user_api="blas"):
        yield


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize(("num_features", "threads"), [(64, 1), (MANY_FEATURES, 3)])
def test_few_features_take_one_thread(num_features, threads):
    with blas_threads(num_features):
        assert set(blas()) == {threads}
    assert set(blas()) == {3}
