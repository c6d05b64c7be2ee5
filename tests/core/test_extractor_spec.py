"""The declared extractor: which names it takes, which weights, and what identifies them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.core.spec.extractor_spec import ExtractorSpec


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("resnet", None, "extractor is 'resnet'; allowed: inception, pixels, reference"),
        (3, None, "extractor is 3; allowed"),
        ("pixels", "a.h5", "weights are for extractor inception, not for pixels"),
        ("reference", "a.h5", "weights are for extractor inception, not for reference"),
        ("inception", None, "extractor inception needs weights = PATH; "),
        ("inception", 3, "weights takes the path of a file, got 3"),
        ("inception", " ", "weights takes the path of a file, got ' '"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(name, weights, message):
    with pytest.raises(InputError) as caught:
        ExtractorSpec(name, weights)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_only_what_is_chosen_is_written_down():
    assert ExtractorSpec().to_dict() == {}
    assert ExtractorSpec("pixels").to_dict() == {"extractor": "pixels"}
    declared = {"extractor": "inception", "weights": "a.h5"}
    assert ExtractorSpec("inception", "a.h5").to_dict() == declared


def test_weights_are_identified_by_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert ExtractorSpec().weights_sha256() is None
    assert ExtractorSpec("pixels").weights_sha256() is None
    (tmp_path / "w.h5").write_bytes(b"weights")
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = hashlib.sha256(b"weights").hexdigest()
    assert ExtractorSpec("inception", "~/w.h5").weights_sha256() == expected


@pytest.mark.parametrize("name", ["none.h5", ".", "a\0b"])
def test_absent_weights_are_said_with_where_to_get_them(tmp_path: Path, name: str):
    with pytest.raises(InputError) as caught:
        ExtractorSpec("inception", f"{tmp_path}/{name}").weights_sha256()
    assert "keras.applications.InceptionV3(include_top=False)" in str(caught.value)
    assert "\n" not in str(caught.value)
