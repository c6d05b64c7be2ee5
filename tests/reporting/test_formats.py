"""Numbers as they are written: four significant digits, separators, no false precision."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reporting.formats import MISSING, count, duration, listing, number, score, scored


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (10.0, "10"),
        (1797, "1,797"),
        (np.int64(100_000), "100,000"),
        (0.2, "0.2"),
        (0.0271049, "0.0271"),
        (12.3456, "12.35"),
        (1234.56, "1,235"),
        (123456.7, "123,457"),
        (9.99996, "10"),
        (2e-4, "2e-4"),
        (2.12345e-4, "2.123e-4"),
        (-0.5, "-0.5"),
        (1.5e9 + 0.5, "1.5e9"),
        ("adam", "adam"),
        (None, MISSING),
        (math.nan, MISSING),
        (math.inf, MISSING),
        (pd.NA, MISSING),
    ],
)
def test_number(value: object, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.95, "0.9500"), (12.3, "12.30"), (10.0, "10")])
def test_score_keeps_its_digits(value: float, text: str) -> None:
    assert score(value) == text


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_number_is_within_half_a_unit_of_its_fourth_digit(value: float) -> None:
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=0.5e-3)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (4_320, "1 h 12 min"),
        (math.nan, MISSING),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_counts_and_listings() -> None:
    assert (count(1, "trial"), count(1_200, "trial")) == ("1 trial", "1,200 trials")
    assert (count(1, "study"), count(18, "study"), count(2, "day")) == (
        "1 study",
        "18 studies",
        "2 days",
    )
    assert [listing(list(letters)) for letters in ("", "a", "ab", "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_a_support_size_without_a_repeated_image_is_a_bound() -> None:
    # 1,000 images have 499,500 pairs.
    assert scored("support_size", 499_500.0, 1_000) == "at least 499,500"
    assert scored("support_size", 249_750.0, 1_000) == "249,750"
    assert scored("fid", 499_500.0, 1_000) == "499,500"
    assert scored("support_size", 499_500.0, None) == "499,500"  # recorded without its size
    assert scored("support_size", None, 1_000) == MISSING
