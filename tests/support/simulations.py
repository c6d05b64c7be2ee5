"""How long simulations run: HARNESS_TEST_SCALE is the share of their repetitions."""

import os

SCALE = float(os.environ.get("HARNESS_TEST_SCALE", "0.2"))


def scaled(repetitions: int) -> int:
    """SCALE of ``repetitions``, at least 10; what a test tolerates must follow from this number."""
    return max(10, round(SCALE * repetitions))
