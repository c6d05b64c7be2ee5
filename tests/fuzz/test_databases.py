"""Damaged databases: read as they are, or refused in one line; never written to, never a traceback.

Some damage cannot be told from data: a figure that changed is another figure. What must hold is
that nothing worse comes of it than a wrong figure.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import InputError
from harness.diagnostics.consistency import examine_studies
from harness.report import report
from harness.search.study.storage import connect, find_study, open_storage
from harness.search.study.trials import counted_trials
from harness.study import study
from harness.tracking.stores.databases import prepare_tracking_store
from harness.tracking.stores.layout import Layout, Stores
from tests.fuzz.conftest import SPEC
from tests.support.wrong_input import (
    cases,
    check_refusal,
    content_of,
    pass_door,
    refused_in_one_line,
)

damages = st.tuples(
    st.sampled_from(["flip", "flip", "text", "cut", "zeros", "swap"]), st.integers(0, 2**32)
)


def damage(content: bytes, how: str, seed: int) -> bytes:
    """``content`` with some of its bytes changed as ``how`` says, by ``seed``."""
    rng, spoilt = random.Random(seed), bytearray(content)
    page = rng.randrange(len(spoilt) // 4_096) * 4_096
    if how == "flip":
        for _ in range(rng.choice([1, 3, 30, 300])):
            spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    elif how == "text":  # where there is text, so that what is stored is damaged, not the tree
        letters = [place for place, byte in enumerate(spoilt) if chr(byte) in '{}":slopefid']
        for place in rng.sample(letters, rng.choice([1, 10, 100])):
            spoilt[place] = rng.randrange(256)
    elif how == "cut":
        del spoilt[rng.randrange(len(spoilt)) :]
    elif how == "zeros":
        spoilt[page : page + 4_096] = bytes(4_096)
    else:
        other = rng.randrange(len(spoilt) // 4_096) * 4_096
        spoilt[page : page + 4_096] = content[other : other + 4_096]
    return bytes(spoilt)


@contextmanager
def damaged(sound: Layout, copied: Layout, name: str, how: str, seed: int) -> Iterator[Path]:
    """The copied stores as good as new, but for the file ``name``; its content must stay."""
    for file in copied.root.glob("*.db*"):
        file.unlink()
    for file in sound.root.glob("*.db"):
        (copied.root / file.name).write_bytes(file.read_bytes())
    path = copied.root / name
    path.write_bytes(damage(path.read_bytes(), how, seed))
    yield path


@cases(0.25)
@given(what=damages)
def test_a_damaged_search_is_refused_in_one_line_or_read(
    sound: Layout, copied: Layout, what: tuple[str, int]
) -> None:
    with damaged(sound, copied, "optuna.db", *what), refused_in_one_line():
        storage = open_storage(copied.storage_url)
        try:
            study = find_study(SPEC, storage)
            assert study is None or len(counted_trials(study)) <= 4
        finally:
            storage.remove_session()
            storage.engine.dispose()


ALTERATIONS = {
    "two heads": "INSERT INTO alembic_version VALUES ('v3.1.0.a')",
    "another version": "UPDATE alembic_version SET version_num = 'v9.9.9.a'",
    "a renamed version": "ALTER TABLE alembic_version RENAME version_num TO version",
}


@pytest.mark.parametrize("how", ALTERATIONS)
def test_altered_versions_of_a_search_are_refused_in_one_line(layout: Layout, how: str) -> None:
    path = layout.root / "optuna.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(ALTERATIONS[how])
    advice = "updating optuna" if how == "another version" else "restore a copy of it"
    for command in (open_storage, connect):
        with pytest.raises(InputError, match=f"{path}.*({advice})") as caught:
            command(layout.storage_url)
        assert "\n" not in str(caught.value)


def test_the_commands_refuse_a_search_with_two_versions_in_one_line(
    layout: Layout, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(layout.root / "optuna.db")) as connection, connection:
        connection.execute(ALTERATIONS["two heads"])
    file = tmp_path / "slopes.toml"
    file.write_text('question = "?"\n[base]\ndataset = "digits"\n')
    addresses = f"--storage={layout.storage_url}", f"--tracking-uri={layout.tracking_uri}"
    code, _, complaint = pass_door(study, str(file), *addresses)
    check_refusal(code, complaint)
    assert "optuna.db cannot be read: CommandError" in complaint
    with pytest.raises(InputError, match=r"cannot be read: CommandError.*; restore a copy of it"):
        list(examine_studies(Stores.of(layout)))  # as the doctor does


@cases(0.25)
@given(what=damages)
def test_a_report_of_damaged_runs_is_refused_in_one_line_or_written(
    sound: Layout, copied: Layout, what: tuple[str, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with damaged(sound, copied, "mlflow.db", *what):
        output = tmp_path_factory.mktemp("report")
        before = content_of(copied.root)
        code, _, complaint = pass_door(
            report, "slopes", f"--tracking-uri={copied.tracking_uri}", f"--output={output}"
        )
        if code:
            check_refusal(code, complaint)
            assert content_of(output) == {}
        assert content_of(copied.root) == before


@cases(0.25)
@given(what=damages)
def test_damaged_runs_are_not_written_on(
    sound: Layout, copied: Layout, what: tuple[str, int]
) -> None:
    with damaged(sound, copied, "mlflow.db", *what), refused_in_one_line():
        prepare_tracking_store(copied.tracking_uri, copied.artifact_root)
