import pytest

from harness.core.errors import InputError
from harness.core.spec.lookup import resolve_study, studies_in


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "mine.toml").write_text('question = "Which slope?"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_name_or_a_file(folder):
    assert resolve_study("mine").question == "Which slope?"
    assert resolve_study(str(folder / "studies" / "mine.toml")).name == "mine"


def test_the_projects_own_studies_are_found_from_anywhere(folder):
    assert resolve_study("quickstart").name == "quickstart"


def test_an_unknown_name_lists_the_known_ones(folder):
    with pytest.raises(InputError, match=r"'nine'; known: .*mine.*quickstart"):
        resolve_study("nine")


def test_the_command_line_changes_the_study(folder):
    spec = resolve_study(
        "quickstart", name="other", n_trials=3, seed=5, settings=["optimizer=sgd", "width=0.5"]
    )
    assert (spec.name, spec.search.num_trials, spec.search.seed) == ("other", 3, 5)
    assert spec.base["seed"] == 5
    assert spec.base["optimizer"] == "sgd"
    assert "optimizer" not in spec.space


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 200, "<b>"])
def test_a_name_that_cannot_be_a_folder_is_refused(folder, name):
    with pytest.raises(InputError, match="study name"):
        resolve_study("mine", name=name)


def test_a_folder_holds_studies_in_the_order_of_their_names(folder):
    (folder / "studies" / "many").mkdir()
    for name in ("b", "a"):
        (folder / "studies" / "many" / f"{name}.toml").write_text('question = "?"\n')
    assert studies_in("many") == ["many/a", "many/b"]
    assert resolve_study("many/a").name == "a"
    assert studies_in("mine") is None
    assert studies_in("../studies") is None
    with pytest.raises(InputError, match=r"known: .*many/a, many/b"):
        resolve_study("nine")


def test_a_claim_on_other_runs_is_the_study_of_these_runs(folder):
    claim = """question = "?"
    [claim]
    id = "C8"
    source = "S2"
    text = "Losses do not tell"
    runs_of = "mine"
    [[claim.tests]]
    kind = "weak_correlation"
    outcome = "fid"
    predictor = "g_loss"
    smallest_effect = 0.5
    """
    (folder / "studies" / "losses.toml").write_text(claim)
    assert resolve_study("losses") == resolve_study("mine")
