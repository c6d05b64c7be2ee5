import pytest

from tests.benchmarks import pages


@pytest.mark.slow
def test_it_measures_the_report_of_as_many_runs_as_it_says():
    (cost,) = pages.costs([4])
    assert cost.runs == 4
    assert cost.cpu_seconds > 0
    assert cost.seconds > 0
    assert cost.memory > 10**8
    assert cost.page > 10**5
    assert cost.elements > 500
    assert 0 < cost.data < cost.page
    assert len(cost.row()) == len(pages.COLUMNS)
