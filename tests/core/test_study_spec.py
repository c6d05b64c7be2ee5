"""Study files: what they say, what is refused, and that nothing raises anything but InputError."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.core.config import FIELDS, TrialConfig
from harness.core.errors import InputError
from harness.core.spec.extractor_spec import ExtractorSpec
from harness.core.spec.search_space import Choices, Range
from harness.core.spec.study_spec import SearchSpec, StudySpec
from harness.core.spec.toml_file import MAX_FILE_BYTES
from tests.support.repository import REPOSITORY

STUDIES = REPOSITORY / "studies"
DECLARATION = """
question = "Which optimizer, learning rate, LeakyReLU slope and pixel scaling suit the DCGAN?"

[base]
dataset = "mnist"
images = 600_000

[space]
optimizer = { choices = ["adam", "rmsprop", "lion"] }
learning_rate = { low = 1e-5, high = 1e-2, log = true }
leaky_slope = { low = 0.0, high = 0.4 }
batch_size = { choices = [64, 128] }

[search]
minimize = "fid"
num_trials = 50
pruner = "median"

[evaluation]
num_samples = 2_000
"""


@pytest.fixture
def declared(tmp_path: Path) -> StudySpec:
    path = tmp_path / "mnist.toml"
    path.write_text(DECLARATION)
    return StudySpec.load(path)


def study(**tables: object) -> StudySpec:
    return StudySpec.from_dict({"question": "Why?", **tables})


def refusal(**tables: object) -> str:
    with pytest.raises(InputError) as caught:
        study(**tables)
    return str(caught.value)


def test_a_file_says_what_stands_in_it(declared: StudySpec):
    assert declared == StudySpec(
        name="mnist",
        question=tomllib.loads(DECLARATION)["question"],
        base={"dataset": "mnist", "images": 600_000},
        space={
            "optimizer": Choices(("adam", "rmsprop", "lion")),
            "learning_rate": Range(1e-5, 1e-2, log=True),
            "leaky_slope": Range(0.0, 0.4),
            "batch_size": Choices((64, 128)),
        },
        search=SearchSpec(metric="fid", num_trials=50, pruner="median"),
        num_samples=2_000,
    )
    assert declared.base_config() == TrialConfig(dataset="mnist", images=600_000)


def test_plain_types_and_back(declared: StudySpec):
    assert StudySpec.from_dict(json.loads(json.dumps(declared.to_dict()))) == declared


def test_the_extractor_is_declared_and_written_back():
    declared = StudySpec.from_dict(
        {"question": "?", "evaluation": {"extractor": "inception", "weights": "w.h5"}}
    )
    assert declared.extractor == ExtractorSpec("inception", "w.h5")
    assert declared.smoke().extractor == declared.single_trial().extractor == declared.extractor
    assert StudySpec.from_dict(declared.to_dict()) == declared
    assert StudySpec.from_dict({"question": "?"}).extractor == ExtractorSpec("reference")


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.toml")), ids=lambda p: p.stem)
def test_the_studies_of_the_project_load(path: Path):
    spec = StudySpec.load(path)
    assert spec.name == path.stem
    assert StudySpec.from_dict(spec.to_dict()) == spec
    assert StudySpec.from_dict(spec.smoke().to_dict()) == spec.smoke()


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"sapce": {}},
            "unknown key 'sapce' in the study file; known: name, question, seeds, base",
        ),
        ({"question": ""}, "question is ''; a study asks one, as text"),
        ({"question": 3}, "question is 3; a study asks one, as text"),
        ({"base": [1]}, "base is a table, [base], got [1]"),
        ({"base": {"lr": 1}}, "[base]: unknown field 'lr'; known: dataset, "),
        ({"base": {"width": 9}}, "[base]: width is 9; allowed: 0.0625 to 4"),
        ({"space": {"lr": {}}}, "[space]: unknown field 'lr'; known: dataset, "),
        ({"space": {"width": 9}}, "[space]: width takes { choices = [...] } or { low = "),
        ({"space": {"width": {}}}, "[space]: width: a range needs low and high"),
        ({"space": {"width": {"low": 1}}}, "[space]: width: a range needs low and high"),
        (
            {"space": {"width": {"low": 1, "high": 2, "step": 1}}},
            "[space]: unknown key 'step' in the space of width; known: low, high, log",
        ),
        (
            {"space": {"width": {"low": 2, "high": 1}}},
            "[space]: width: low 2 must be below high 1",
        ),
        (
            {"space": {"width": {"low": 1, "high": 1}}},
            "[space]: width: low 1 must be below high 1",
        ),
        (
            {"space": {"width": {"low": 1, "high": 9}}},
            "[space]: width is 9; allowed: 0.0625 to 4",
        ),
        (
            {"space": {"latent_dim": {"low": 1.5, "high": 9}}},
            "[space]: latent_dim takes a whole number, got 1.5",
        ),
        (
            {"space": {"leaky_slope": {"low": 0, "high": 0.2, "log": True}}},
            "[space]: leaky_slope: a logarithmic range needs low above 0, got 0",
        ),
        (
            {"space": {"leaky_slope": {"low": 0, "high": 0.2, "log": 1}}},
            "[space]: leaky_slope: log is true or false, got 1",
        ),
        (
            {"space": {"optimizer": {"low": "adam", "high": "sgd"}}},
            "[space]: optimizer takes { choices = [...] }, not a range",
        ),
        (
            {"space": {"optimizer": {"choices": []}}},
            "[space]: optimizer: choices is a list of at least one value, got []",
        ),
        (
            {"space": {"optimizer": {"choices": ["adam"], "low": 1}}},
            "[space]: unknown key 'low' in the space of optimizer; known: choices",
        ),
        (
            {"space": {"optimizer": {"choices": ["adam", "adamw"]}}},
            "[space]: optimizer is 'adamw'; allowed: adam, lion, nadam, rmsprop, sgd",
        ),
        (
            {"space": {"width": {"choices": [1, 1.0]}}},
            "[space]: width: a choice is repeated in [1, 1.0]",
        ),
        (
            {"base": {"width": 1}, "space": {"width": {"low": 1, "high": 2}}},
            "[space]: width is in [base] too; a field is fixed or searched",
        ),
        ({"search": {"trials": 3}}, "[search]: unknown key 'trials' in the table; known: minimize"),
        ({"search": {"minimize": "inception"}}, "[search]: unknown metric 'inception'; known: "),
        ({"search": {"maximize": "fid"}}, "[search]: fid is to minimize, got 'maximize'"),
        (
            {"search": {"maximize": "modes_captured", "minimize": "fid"}},
            "[search]: minimize and maximize exclude each other",
        ),
        (
            {"search": {"num_trials": 0}},
            "[search]: num_trials takes a whole number from 1 to 1,000,000, got 0",
        ),
        (
            {"search": {"num_trials": True}},
            "[search]: num_trials takes a whole number from 1 to 1,000,000, got True",
        ),
        ({"search": {"seed": -1}}, "[search]: seed takes a whole number from 0 to 2,147,483,647"),
        (
            {"search": {"pruner": "asha"}},
            "[search]: pruner is 'asha'; allowed: hyperband, median, none",
        ),
        ({"search": {"sampler": 1}}, "[search]: sampler is 1; allowed: random, tpe"),
        ({"search": {"collapse_alarm": 1}}, "[search]: collapse_alarm is true or false, got 1"),
        (
            {"evaluation": {"samples": 1}},
            "[evaluation]: unknown key 'samples' in the table; known: num_samples",
        ),
        (
            {"evaluation": {"num_samples": 99}},
            "[evaluation]: num_samples takes a whole number from 100 to 1,000,000, got 99",
        ),
        (
            {"evaluation": {"extractor": "vgg"}},
            "[evaluation]: extractor is 'vgg'; allowed: inception, pixels, reference",
        ),
        (
            {"evaluation": {"extractor": "inception"}},
            "[evaluation]: extractor inception needs weights = PATH; ",
        ),
        ({"name": "../up"}, "study name '../up'; allowed: 1 to 100 letters"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tables: dict[str, Any], message: str):
    text = refusal(**tables)
    assert text.startswith(message)
    assert len(text.splitlines()) == 1


def test_a_range_that_no_choice_of_which_fits_is_refused_at_its_corner():
    # 1000 images in 9 reports are 111 images between two of them: 111 fits, 112 does not.
    base = {"images": 1000}
    assert study(base=base, space={"batch_size": {"choices": [2, 111]}})
    text = refusal(base=base, space={"batch_size": {"choices": [2, 112]}})
    assert text == (
        "images 1,000 in 9 reports leave less than one batch of 112 between reports; "
        "allowed: reports up to 8"
    )
    assert study(base=base, space={"batch_size": {"choices": [2, 112]}}, search={"reports": 8})


def test_all_updates_of_the_discriminator_must_fit_between_reports():
    # 111 images between two reports hold 5 batches of 22, or 22 for each of two arms
    base, steps = {"images": 1000, "batch_size": 22}, {"discriminator_steps": {"choices": [1, 5]}}
    assert study(base=base, space=steps)
    text = refusal(base={**base, "batch_size": 23}, space=steps)
    assert text.startswith("images 1,000 in 9 reports leave less than one step of 115 between")
    arms = {"critic": {"discriminator_steps": 5}, "large": {"batch_size": 110}}
    assert study(base=base, arms=arms)
    smoke = study(base=base, arms=arms).smoke()
    assert smoke.arms is not None
    critic, _ = smoke.arms.configs(smoke.base_config()).values()
    assert (critic.images, critic.images_per_step) == (12 * 320, 320)


def test_every_batch_that_may_be_drawn_must_be_whole_packs():
    packs = {"packing": {"choices": [1, 2, 3]}}
    assert study(base={"batch_size": 48}, space=packs)
    text = refusal(base={"batch_size": 64}, space=packs)
    assert text == "batch_size 64 is no multiple of packing 3"
    sizes = {"batch_size": {"low": 32, "high": 64}}
    assert refusal(base={"packing": 2}, space=sizes) == "batch_size 33 is no multiple of packing 2"
    assert study(base={"packing": 2}, space={"batch_size": {"choices": [32, 64]}})


@pytest.mark.parametrize(("packing", "batch_size"), [(1, 64), (2, 64), (3, 63), (8, 64)])
def test_smoke_keeps_its_batch_to_whole_packs(packing: int, batch_size: int):
    smoke = study(base={"batch_size": 24, "packing": packing}).smoke().base_config()
    assert (smoke.batch_size, smoke.packing, smoke.images) == (batch_size, packing, 12 * batch_size)


def test_a_budget_may_be_searched_below_the_default_batch():
    # 100 images in 9 reports are 11 images between two of them: one batch of 10.
    spec = study(base={"batch_size": 10}, space={"images": {"low": 100, "high": 120}})
    assert spec.space == {"images": Range(100, 120)}


def test_settings_fix_a_field_and_end_its_search(declared: StudySpec):
    changed = declared.with_settings(["optimizer=sgd", " width = 0.5 ", "width=2"])
    assert changed.base == {"dataset": "mnist", "images": 600_000, "optimizer": "sgd", "width": 2.0}
    assert list(changed.space) == ["learning_rate", "leaky_slope", "batch_size"]
    assert "optimizer" in declared.space  # the original stays


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("width", "--set: takes FIELD=VALUE, got 'width'"),
        ("lr=1", "--set: unknown field 'lr'; known: "),
        ("width=9", "--set: width is 9.0; allowed: 0.0625 to 4"),
        ("images=1000", "images 1,000 in 9 reports leave less than one batch of 128"),
    ],
)
def test_settings_that_do_not_fit_are_refused(declared: StudySpec, setting: str, message: str):
    with pytest.raises(InputError) as caught:
        declared.with_settings([setting])
    assert str(caught.value).startswith(message)


def test_a_seed_reaches_search_and_trials_even_if_it_was_searched():
    spec = study(space={"seed": {"choices": [1, 2]}}).with_seed(7)
    assert (spec.search.seed, spec.base_config().seed, spec.space) == (7, 7, {})
    with pytest.raises(InputError, match="got -1"):
        spec.with_seed(-1)


def test_smoke_keeps_the_study_but_not_its_size(declared: StudySpec):
    smoke = declared.smoke()
    assert smoke.name == "mnist-smoke"
    assert set(smoke.space) == set(declared.space) - {"batch_size"}
    assert smoke.base["dataset"] == "mnist"
    # 768 images in 3 reports are 256 each, four batches of 64.
    assert smoke.milestones(smoke.base_config().images) == [256, 512, 768]
    assert smoke.base_config().batch_size == 64
    assert (smoke.search.num_trials, smoke.search.pruner) == (2, "median")


def test_smoke_fits_any_study_even_one_with_a_single_report():
    spec = study(base={"images": 200, "batch_size": 200}, search={"reports": 1})
    assert spec.smoke().base_config().images == 768
    assert len(spec.replace(name="x" * 100).smoke().name) == 100


def test_a_single_trial_is_found_again_by_its_configuration(declared: StudySpec):
    single = declared.single_trial()
    assert (single.space, single.search.num_trials) == ({}, 1)
    assert not single.search.collapse_alarm  # its scores are wanted, whatever they are
    assert single.base_config() == declared.base_config()
    assert single.name == declared.with_settings(["dataset=mnist"]).single_trial().name
    assert single.name != declared.with_settings(["width=2"]).single_trial().name
    assert single.name != declared.replace(num_samples=300).single_trial().name
    pixels = declared.replace(extractor=ExtractorSpec("pixels"))
    assert single.name != pixels.single_trial().name
    assert StudySpec.from_dict(single.to_dict()) == single


def test_a_single_trial_of_an_earlier_version_is_found_again():
    """By the name that version 0.1.0 gave before TrialConfig had ``convolution``."""
    declared = {"name": "s", "question": "?", "base": {"width": 0.25}}
    spec = StudySpec.from_dict({**declared, "search": {"minimize": "fid"}})
    assert spec.single_trial().name == "s-trial-6f918bc0"
    assert StudySpec.from_dict(declared).single_trial().name != "s-trial-6f918bc0"
    transform = spec.with_settings(["convolution=transform"])
    assert transform.single_trial().name != "s-trial-6f918bc0"


@given(st.integers(2, 10**9), st.integers(1, 1000))
def test_milestones_rise_to_the_end(images: int, reports: int):
    if images // reports < 2:
        return
    search = {"reports": reports, "minimize": "fid"}
    spec = study(base={"images": images, "batch_size": 2}, search=search, space={})
    milestones = spec.milestones(images)
    assert len(milestones) == reports
    assert milestones[-1] == images
    steps = [b - a for a, b in zip([0, *milestones], milestones, strict=False)]
    # Equal parts, each rounded at both ends.
    assert all(abs(step - images / reports) <= 1 for step in steps)


def test_a_search_for_the_late_fid_reports_more_often_at_the_end():
    """All trials at the same milestones, so that the largest batch decides how many fit."""
    space = {"batch_size": {"choices": [10, 100]}}
    spec = study(base={"images": 4_000}, space=space, search={"reports": 4})
    assert spec.search.metric == "fid_late"
    assert spec.milestones(4_000) == [1_000, 2_000, 3_000, 3_250, 3_500, 3_750, 4_000]
    # A quarter of 1,600 is 400; four parts of it are 100 images, of 1,200 they would be 75.
    assert spec.milestones(1_600)[-4:] == [1_300, 1_400, 1_500, 1_600]
    assert spec.milestones(1_200)[-4:] == [900, 1_000, 1_100, 1_200]
    assert study(search={"minimize": "kid", "reports": 4}).milestones(100) == [25, 50, 75, 100]


def outcome(call: Callable[..., Any], *arguments: object) -> Any:
    """What ``call`` returns, or the InputError that it raises, whose text must be one line."""
    try:
        return call(*arguments)
    except InputError as error:
        text = str(error)
    assert len(text.splitlines()) == 1
    return InputError(text)


PLAIN = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["adam", "fid", "kid", "tpe", "median"]),
    st.dates(),
)
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
DOMAIN = st.one_of(
    NESTED,
    st.fixed_dictionaries({"choices": st.lists(PLAIN, max_size=3) | PLAIN}),
    st.fixed_dictionaries({"low": PLAIN, "high": PLAIN}, optional={"log": PLAIN}),
    st.fixed_dictionaries({"low": st.floats(0, 1), "high": st.floats(0, 4)}),
)
FIELD = st.sampled_from(FIELDS)
DECLARATIONS = st.fixed_dictionaries(
    {"question": st.just("Why?") | NESTED},
    optional={
        "base": st.dictionaries(FIELD, NESTED, max_size=3) | NESTED,
        "space": st.dictionaries(FIELD, DOMAIN, max_size=3) | NESTED,
        "search": st.dictionaries(
            st.sampled_from(["minimize", "maximize", "num_trials", "pruner", "reports", "seed"]),
            NESTED,
            max_size=3,
        )
        | NESTED,
        "evaluation": st.dictionaries(st.just("num_samples"), NESTED) | NESTED,
        "name": NESTED,
        "other": NESTED,
    },
)


@given(DECLARATIONS)
def test_any_declaration_is_a_study_or_one_line(values: dict[str, Any]):
    spec = outcome(StudySpec.from_dict, values)
    if isinstance(spec, StudySpec):
        assert StudySpec.from_dict(spec.to_dict()) == spec
        spec.smoke()


def load_bytes(folder: Path, content: bytes) -> StudySpec | str:
    path = folder / "study.toml"
    path.write_bytes(content)
    loaded = outcome(StudySpec.load, path)
    if isinstance(loaded, StudySpec):
        return loaded
    assert len(str(loaded)) < len(str(path)) + 600  # every value is shown short
    return str(loaded).removeprefix(f"{path}: ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
@example(b"question = 'Why?'\n[base.width]\n" + b"a." * 3_000 + b"a = 1")
@example(b"question = " + b"[" * 50_000)
@example(b"question = " + b"9" * 5_000)
@example(b"question = 'Why?'\n[base]\nseed = 0x" + b"f" * 5_000)
@example(b"question = 'Why?'\n'" + b"k" * 5_000 + b"' = 1")
@example(b"question = 2026-02-31")
def test_any_bytes_are_a_study_or_one_line(folder: Path, content: bytes):
    load_bytes(folder, content)


@given(st.integers(0, len(DECLARATION) - 1), st.binary(max_size=3))
def test_any_damage_to_a_good_file_is_a_study_or_one_line(
    folder: Path, position: int, patch: bytes
):
    content = DECLARATION.encode()
    load_bytes(folder, content[:position] + patch + content[position + len(patch) + 1 :])


def test_files_as_editors_write_them(folder: Path):
    windows = b"\xef\xbb\xbf" + DECLARATION.replace("\n", "\r\n").encode()
    assert load_bytes(folder, windows) == load_bytes(folder, DECLARATION.encode())


def test_files_that_are_none(tmp_path: Path):
    with pytest.raises(InputError, match=r"absent\.toml: No such file or directory"):
        StudySpec.load(tmp_path / "absent.toml")
    with pytest.raises(InputError, match="Is a directory"):
        StudySpec.load(tmp_path)
    with pytest.raises(InputError, match="null byte"):
        StudySpec.load(tmp_path / "a\0b")
    text = load_bytes(tmp_path, b"#" * (MAX_FILE_BYTES + 1))
    assert text == "larger than 1,000,000 bytes; not a study file"
