import importlib.util
import json

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.comparison import PEERS


@pytest.mark.slow
def test_the_quick_form_tries_everything_and_writes_json(tmp_path, capsys):
    main(["--quick", "--output", str(tmp_path / "bench.json")])
    printed = capsys.readouterr().out
    assert "ours, simultaneous" in printed
    assert "latent_conv" in printed
    measured = json.loads((tmp_path / "bench.json").read_text())
    assert measured["environment"]["cpu"]
    (found,) = measured["comparisons"]
    assert found["product"]["gflop_per_cpu_second"] > 0
    named = {row["loop"] for row in found["loops"]}
    assert {"ours, simultaneous", "ours, stacked"} <= named
    assert (named | set(found["skipped"])) >= set(PEERS)
    assert ("PyTorch" in named) == (importlib.util.find_spec("torch") is not None)
    assert len(measured["systems"]["rows"]) == 5
