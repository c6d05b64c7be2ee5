"""``python -m harness.report`` as a person meets it: a page, or one line and exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.app import open_door
from harness.report import report
from harness.reporting.pages import comparison as comparison_module
from harness.reporting.pages import study as page_module
from harness.tracking.stores.layout import Layout
from tests.support.html_page import Page
from tests.support.reports import Store


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        open_door(report, arguments)
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_it_writes_the_page_into_reports(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(page_module, "render", lambda plot, results: [])  # drawn in test_study.py
    assert run("demo", "--tracking-uri", store.uri) == 0
    assert "reports/demo/index.html" in capsys.readouterr().out
    written = {path.name for path in (tmp_path / "reports" / "demo").iterdir()}
    assert written == {"data", "index.html", "runs.csv", "study.json"}
    index = Page((tmp_path / "reports" / "index.html").read_text("utf-8"))
    assert index.all("a")[0]["href"] == "demo/index.html"


def test_several_studies_are_compared_and_listed(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(comparison_module, "render", lambda plot, results: [])
    assert run("won", "bare", "--tracking-uri", store.uri) == 2  # bare has recorded nothing
    error = capsys.readouterr().err
    assert error.startswith("error: won and bare do not compare: their objectives are fid")
    assert error.count("\n") == 1
    assert not (tmp_path / "reports").exists()
    assert run("won", "won-confirm", "--tracking-uri", store.uri) == 0
    assert "reports/won+won-confirm/index.html" in capsys.readouterr().out
    index = Page((tmp_path / "reports" / "index.html").read_text("utf-8"))
    assert index.all("a")[0]["href"] == "won%2Bwon-confirm/index.html"


def test_a_report_elsewhere_writes_no_index(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "render", lambda plot, results: [])
    assert run("demo", "--tracking-uri", store.uri, "--output", str(tmp_path / "mine")) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.slow
def test_a_link_to_a_folder_is_that_folder(store: Store, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    assert run("demo", "--tracking-uri", store.uri, "--output", str(tmp_path / "link")) == 0
    assert (tmp_path / "folder" / "index.html").exists()
    assert (tmp_path / "link").is_symlink()


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_the_old_files_and_no_other(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = ("index.html", "runs.csv", "study.json")
    for name in names:
        (tmp_path / name).write_text("old")
    opened = Path.open

    def full(path: Path, *arguments: object, **named: object):
        file = opened(path, *arguments, **named)
        if "index.html" in path.name and path.parent == tmp_path:
            file.close()
            raise OSError(28, "No space left on device")
        return file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        assert run("demo", "--tracking-uri", store.uri, "--output", str(tmp_path)) == 2
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert error.count("\n") == 1
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == dict.fromkeys(names, "old")


def test_claims_is_the_page_of_all_claims(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("claims", "--tracking-uri", store.uri) == 0
    folder = tmp_path / "reports" / "claims"
    assert {path.name for path in folder.iterdir()} == {
        "index.html",
        "claims.csv",
        "claims.json",
        "runs.jsonl",
    }
    page = (folder / "index.html").read_text("utf-8")
    assert "Centering the pixels to [-1, 1]" in page
    assert "Not run." in page


def test_claims_without_runs_are_one_line_and_no_page(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert run("claims", "--tracking-uri", layout.tracking_uri) == 2
    error = capsys.readouterr().err
    assert "no run of a claim has ended" in error
    assert error.count("\n") == 1
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_page_of_more_runs_is_replaced_by_force_alone(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("demo", "--tracking-uri", store.uri, "--output", str(tmp_path))
    (tmp_path / "study.json").write_text('{"counts": {"complete": 30, "pruned": 5}}')
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert "rests on 35 runs, this one would on 4" in error
    assert "--force" in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]
    assert run(*arguments, "--force") == 0
    assert (tmp_path / "index.html").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nope", "--tracking-uri", "{uri}"], "there: bare, c01_centering, demo, empty, won"),
        (["../demo", "--tracking-uri", "{uri}"], "study name '../demo'"),
        (["Claims", "--tracking-uri", "{uri}"], "calibration, claims, recorded, scores"),
        (
            ["calibration", "--tracking-uri", "{uri}", "--output", "{tmp}/new"],
            "calibration, claims",
        ),
        (["demo", "--tracking-uri", "{uri}", "--output", "{tmp}/to_file"], "--output"),
        (["demo", "--tracking-uri", "{uri}", "--output", "{tmp}/to_nothing"], "--output"),
        (["demo", "--tracking-uri", "sqlite:///{tmp}/none.db"], "run a study first"),
        (["demo", "--tracking-uri", "{uri}", "--output", "{tmp}/file"], "--output"),
        ([], "STUDY_NAME"),
        (["demo", "demo", "--tracking-uri", "{uri}"], "compared with itself"),
        (["demo", "claims", "--tracking-uri", "{uri}"], "calibration, claims, recorded, scores"),
        (["demo", "nope", "--tracking-uri", "{uri}"], "no study 'nope'"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    store: Store,
    tmp_path: Path,
    arguments: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "to_file").symlink_to("file")
    (tmp_path / "to_nothing").symlink_to("nothing")
    assert run(*(text.format(uri=store.uri, tmp=tmp_path) for text in arguments)) == 2
    error = capsys.readouterr().err
    assert says.lower() in error.lower()
    assert error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "to_file", "to_nothing"]
    assert (tmp_path / "file").read_text() == "in the way"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, harness.report; "
        "heavy = {'mlflow', 'pandas', 'matplotlib', 'optuna', 'tensorflow'} & set(sys.modules); "
        "sys.exit(bool(heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
