"""A recorded study in Python: its trials and curves as tables, its winner as a generator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.core.config import FIELDS, TrialConfig
from harness.core.errors import InputError, shown
from harness.core.schema import GENERATOR_FILE
from harness.reporting.parts.provenance import trial_record
from harness.reporting.results.artifacts import StudyArtifacts
from harness.reporting.results.comparable import joint_ranking
from harness.reporting.results.json_object import NotRead
from harness.reporting.results.load import load_results
from harness.reporting.results.tables import StudyResults, param_column
from harness.tracking.stores.databases import check_tracking_store
from harness.tracking.stores.layout import default_layout
from harness.tracking.stores.mlflow_server import is_server_uri

if TYPE_CHECKING:
    import pandas as pd

    from harness.api.generator import SavedGenerator


@dataclass(frozen=True, eq=False)
class RecordedTrial:
    """One trial of a recorded study. ``data_dir``: where named datasets are looked for."""

    study: RecordedStudy
    row: pd.Series

    @property
    def number(self) -> int:
        """The trial's number in its study."""
        return int(self.row["number"])

    @property
    def run_id(self) -> str:
        """The id of its MLflow run, 32 hexadecimal digits."""
        return str(self.row["run_id"])

    @cached_property
    def config(self) -> TrialConfig:
        """Its configuration."""
        values = {name: self.row[param_column(name)] for name in FIELDS}
        known = {name: value for name, value in values.items() if value is not None}
        return TrialConfig.from_dict(
            {n: v.item() if isinstance(v, np.generic) else v for n, v in known.items()}
        )

    @cached_property
    def scores(self) -> dict[str, float]:
        """Metric -> its final value; README says what each one means."""
        found = trial_record(self.study.results, self.row)["scores"]
        return {name: value for name, value in found.items() if value is not None}

    @cached_property
    def generator(self) -> SavedGenerator:
        """Its generator; InputError if the run has kept none, as one that did not complete.

        A run of a version that recorded no pixel scaling needs its dataset to find it.
        """
        from harness.api.generator import SavedGenerator
        from harness.data.generator_record import GeneratorRecord, generator_record

        artifacts = self.study.results.grids
        assert isinstance(artifacts, StudyArtifacts)
        where = f"run {self.run_id}: {GENERATOR_FILE}"
        try:
            content, record = artifacts.generator(self.run_id)
        except NotRead as reason:
            raise InputError(f"{where} ({reason}); trial {self.number} {self._end}") from None
        if not record:
            from harness.data.load import load_dataset

            base, folder = self.config, self.study.data_dir
            record = generator_record(base, load_dataset(base.dataset, folder, base.image_size))
        return SavedGenerator(self.config, content, GeneratorRecord.from_json(record))

    def sample(self, num: int = 64, seed: int = 0, label: int | None = None) -> NDArray[np.uint8]:
        """``num`` images of its generator, uint8 (num, H, W, C); the same for the same seed."""
        return self.generator.sample(num, seed, label)

    @property
    def _end(self) -> str:
        outcome = str(self.row["outcome"])
        return {"complete": "has completed", "running": "has not ended"}.get(outcome, outcome)


@dataclass(frozen=True, eq=False)
class RecordedStudy:
    """A study as its MLflow store holds it; ``load`` reads it. It does not follow later trials."""

    results: StudyResults
    data_dir: Path | None = None

    @property
    def name(self) -> str:
        """The study's name."""
        return self.results.spec.name

    @property
    def question(self) -> str:
        """What the study asks."""
        return self.results.spec.question

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial, by number: a copy.

        Columns: number; outcome (complete, pruned, failed, interrupted, running); failure,
        pruned_by, arm (text, missing where there is none); run_id; images_seen; started, ended
        (UTC); ``params.FIELD`` for every field of TrialConfig; every metric's final value, NaN
        without one; rank (1 is the best), missing for trials that did not complete.
        """
        ranks = self.results.ranked.set_index("number")["rank"]
        ranked = self.results.trials["number"].map(ranks).astype("Int64")
        return self.results.trials.assign(rank=ranked)

    @property
    def curves(self) -> pd.DataFrame:
        """One row per logged value: trial, metric, images_seen, value; a copy."""
        return self.results.history.copy()

    @cached_property
    def winner(self) -> RecordedTrial:
        """The trial that the study recommends, as its page and the terminal name it.

        ``results.winner`` has those that cannot be told apart from it. Raises InputError for a
        study of arms, whose answer is a verdict, and where no trial has completed.
        """
        if self.results.spec.arms is not None:
            raise InputError(f"study {self.name} compares arms; name a trial instead of its winner")
        row = self.results.winning_trial
        if row is None:
            raise InputError(f"study {self.name}: no trial is complete")
        return RecordedTrial(self, row)

    def trial(self, key: int | str) -> RecordedTrial:
        """The trial of that number or run id; InputError with what there is otherwise."""
        table = self.results.trials
        if isinstance(key, str) and not key.isdecimal():
            found = table[table["run_id"] == key]
        else:
            found = table[table["number"] == int(key)]
        if found.empty:
            there = f"0 to {table['number'].max()}" if len(table) else "none"
            raise InputError(f"study {self.name} has no trial {shown(key)}; there: {there}")
        return RecordedTrial(self, found.iloc[-1])

    def compare(self, *others: RecordedStudy) -> pd.DataFrame:
        """The completed trials of this study and ``others``, the best first, as ``trials``.

        A column ``study`` comes first and ``rank`` is over all. Raises InputError where scores do
        not compare: another objective, dataset, classifier, features or number of samples.
        """
        return joint_ranking([self.results, *(other.results for other in others)])


def load(
    study: str, tracking_uri: str | None = None, data_dir: Path | None = None
) -> RecordedStudy:
    """The recorded study of that name, from ``mlruns/`` in the current folder or another store.

    ``data_dir``: where the files of named datasets are, if one is needed. Raises InputError for a
    store that cannot be read and for an unknown study, with the list of those that it has.
    """
    uri = tracking_uri or default_layout().tracking_uri
    if not is_server_uri(uri):
        uri = check_tracking_store(uri)
    return RecordedStudy(load_results(uri, study), data_dir)
