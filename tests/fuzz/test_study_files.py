"""Study files and --set with everything that can be wrong with them: a valid study, or one line."""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.config import FIELDS
from harness.core.spec.lookup import resolve_study
from harness.core.spec.study_spec import StudySpec
from harness.search.study.space import arm_params, config_of, distributions, space_size
from harness.study import study
from tests.support.repository import REPOSITORY
from tests.support.wrong_input import (
    as_toml,
    cases,
    check_refusal,
    content_of,
    pass_door,
    refused_in_one_line,
    scalars,
    texts,
    values,
)

STUDIES = REPOSITORY / "studies"
VALID = [tomllib.loads(path.read_text()) for path in sorted(STUDIES.rglob("*.toml"))]
KEYS = sorted(
    {"question", "seeds", "arms", "claim", "confirm", "top", "low", "high", "log", "choices"}
    | {*FIELDS, "minimize", "maximize", "num_trials", "pruner", "reports", "runs_of", "tests"}
    | {"kind", "over", "field", "predictor", "threshold", "better", "extractor", "weights"}
)


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside ``tree``."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = []
    for key, value in items:
        found.append((*path, key))
        if isinstance(value, dict | list):
            found += places(value, (*path, key))
    return found


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """One of the project's studies after one to three changes."""
    tree = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        if not (found := places(tree)):
            break
        *above, key = draw(st.sampled_from(found))
        parent = tree
        for step in above:
            parent = parent[step]
        change = draw(st.sampled_from(["replace", "remove", "add", "move"]))
        if change == "replace":
            parent[key] = draw(values)
        elif change == "remove":
            del parent[key]
        elif isinstance(parent, dict):
            taken = copy.deepcopy(parent[key]) if change == "move" else draw(values)
            parent[draw(st.one_of(st.sampled_from(KEYS), texts))] = taken
    return tree


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "spoilt.toml"


def check_usable(spec: StudySpec) -> None:
    """What every door does with a study before it begins must work for one that was accepted."""
    assert StudySpec.from_dict(json.loads(json.dumps(spec.to_dict(), allow_nan=False))) == spec
    spec.single_trial()
    assert space_size(spec) is None or space_size(spec) > 0
    assert set(distributions(spec)) or not spec.space
    if spec.arms:
        for params in arm_params(spec)[: len(spec.arms.names)]:
            config_of(spec, params)
    with refused_in_one_line():
        spec.smoke()


@cases(4)
@given(tree=spoilt())
def test_a_spoilt_study_is_refused_in_one_line_or_whole(file: Path, tree: dict[str, Any]) -> None:
    lines = (f"{as_toml(key)} = {as_toml(value)}\n" for key, value in tree.items())
    file.write_bytes("".join(lines).encode("utf-8", "surrogatepass"))
    with refused_in_one_line():
        spec = StudySpec.load(file)
        check_usable(spec)
        resolve_study(str(file))


@cases(2)
@given(
    data=st.data(),
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3)), min_size=1, max_size=4),
)
def test_a_file_with_wrong_bytes_is_refused_in_one_line_or_whole(
    file: Path, data: st.DataObject, edits: list[tuple[float, bytes]]
) -> None:
    source = data.draw(st.sampled_from(sorted(STUDIES.rglob("*.toml"))))
    content = bytearray(source.read_bytes())
    for place, new in edits:
        at = int(place * len(content))
        content[at : at + data.draw(st.integers(0, 3))] = new
    file.write_bytes(content)
    with refused_in_one_line():
        check_usable(StudySpec.load(file))


@pytest.mark.parametrize("opening", ["[", "{a=", "[[", "a.", '"'])
def test_a_file_of_deep_nesting_is_refused(file: Path, opening: str) -> None:
    file.write_text('question = "?"\nx = ' + opening * 20_000)
    with refused_in_one_line():
        StudySpec.load(file)
        pytest.fail("accepted")


FOUND = {
    "over as text": {"claim": {"tests": [{"kind": "importance", "field": "width", "over": 5}]}},
    "runs_of as a path": {"claim": {"runs_of": "../other", "tests": [{}]}},
    "a threshold of 400 digits": {
        "claim": {"tests": [{"kind": "separation", "predictor": "d_loss", "threshold": 10**400}]}
    },
    "NUL in the question": {"question": "Why\0?"},
    "an escape in the claim": {"claim": {"text": "\x1b[2J", "tests": [{}]}},
    "a searched dataset": {"space": {"dataset": {"choices": ["digits", "mnist"]}}},
    "an arm called escape": {"arms": {"\x1b": []}},
}


@pytest.mark.parametrize("case", FOUND)
def test_what_was_found_once_stays_refused(case: str) -> None:
    tree = copy.deepcopy(FOUND[case])
    if claim := tree.get("claim"):
        tree["claim"] = {"id": "C1", "source": "S1", "text": "It helps", **claim}
        common = {"outcome": "fid", "smallest_effect": 0.1}
        tree["claim"]["tests"] = [{**common, **test} for test in claim["tests"]]
    with refused_in_one_line():
        StudySpec.from_dict({"question": "Why?", **tree})
        pytest.fail("accepted")


@cases(2)
@given(
    field=st.one_of(st.sampled_from(FIELDS), texts),
    sign=st.sampled_from(["=", "=", "=", "", "==", " = "]),
    value=st.one_of(scalars.map(str), st.sampled_from(["0.1", "sgd", "1e-3", "nan", "1_0", "٣"])),
)
def test_settings_are_refused_in_one_line_or_taken(field: str, sign: str, value: str) -> None:
    with refused_in_one_line():
        spec = resolve_study("quickstart", settings=[f"{field}{sign}{value}"])
        check_usable(spec)


@cases(0.4)
@given(tree=spoilt(), setting=st.one_of(texts, st.just("width=0.5")))
def test_the_door_answers_a_dry_run_and_begins_nothing(
    file: Path, tree: dict[str, Any], setting: str
) -> None:
    lines = (f"{as_toml(key)} = {as_toml(value)}\n" for key, value in tree.items())
    file.write_bytes("".join(lines).encode("utf-8", "surrogatepass"))
    before = content_of(file.parent)
    code, said, complaint = pass_door(study, str(file), "--dry-run", f"--set={setting}")
    if code:
        check_refusal(code, complaint)
        assert not said
    else:
        assert json.loads(said)["base"]["dataset"]
    assert content_of(file.parent) == before


@cases(0.5)
@given(
    argv=st.lists(
        st.one_of(
            texts,
            st.sampled_from(
                [
                    "--n-trials",
                    "--seed",
                    "--seeds",
                    "--timeout",
                    "--set",
                    "--study-name",
                    "--smoke",
                    "nan",
                    "3",
                    "quickstart",
                    "--json",
                    "--data-dir",
                    "-1",
                    "1e99",
                ]
            ),
        ),
        max_size=5,
    )
)
def test_the_door_answers_any_words(argv: list[str]) -> None:
    argv = [word.replace("\0", "") for word in argv]  # no operating system passes it on
    if "--help" in argv:
        return
    code, said, complaint = pass_door(study, "--dry-run", *argv)
    if code:
        check_refusal(code, complaint)
    else:
        assert said
