"""Names of studies: folders, reserved ones, and names made of others, which never meet."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from harness.cli.options import RECORDED, REPORTS
from harness.core.errors import InputError
from harness.core.spec.arms import confirmation_name
from harness.core.spec.lookup import CLAIMS
from harness.core.spec.names import RESERVED_NAMES, check_study_name
from harness.core.spec.study_spec import StudySpec
from harness.evaluation.calibrate import calibrate
from harness.evaluation.sanity.__main__ import sanity

LONG = ["x" * 92 + tail for tail in ("y", "yy", "-confirm")]


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "größe", "x" * 101, None, 3])
def test_names_that_are_no_folder_are_refused(name: object) -> None:
    with pytest.raises(InputError, match="allowed: 1 to 100 letters"):
        check_study_name(name)


@pytest.mark.parametrize("name", ["claims", "CLAIMS", "Calibration", "recorded", "Scores"])
def test_folders_with_other_pages_are_no_names_of_studies(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="allowed: any name but calibration, claims, recorded, scores"
    ):
        StudySpec(name=name, question="?")
    path = tmp_path / f"{name}.toml"
    path.write_text('question = "?"\n')
    with pytest.raises(
        InputError, match="allowed: any name but calibration, claims, recorded, scores"
    ):
        StudySpec.load(path)


def test_folders_that_other_commands_write_are_reserved_names() -> None:
    assert RECORDED.parent == REPORTS
    written = {CLAIMS, RECORDED.name}
    for command, name in ((calibrate, "calibration"), (sanity, "scores")):
        assert inspect.signature(command).parameters["output"].default == REPORTS / name
        written.add(name)
    assert set(RESERVED_NAMES) == written


def test_names_that_are_short_enough_are_kept_whole() -> None:
    assert confirmation_name("quickstart") == "quickstart-confirm"
    assert confirmation_name("x" * 92) == "x" * 92 + "-confirm"
    spec = StudySpec(name="x" * 94, question="?")
    assert spec.smoke().name == "x" * 94 + "-smoke"
    assert spec.replace(name="y" * 80).single_trial().name.startswith("y" * 80 + "-trial-")


def test_no_two_studies_share_a_derived_name_and_none_is_its_own() -> None:
    derived = [confirmation_name(name) for name in [*LONG, "x" * 92]]
    assert len(set(derived)) == 4
    assert not set(derived) & set(LONG[:2])
    assert confirmation_name(LONG[2]) != LONG[2]
    assert [StudySpec(name=name, question="?").name for name in derived] == derived
    long = [StudySpec(name="x" * 95 + tail, question="?") for tail in "ab"]
    assert len({spec.smoke().name for spec in long}) == 2
    assert len({spec.single_trial().name for spec in long}) == 2
