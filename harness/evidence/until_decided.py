"""Adds seeds until the tests of claims are decided, a look at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import typer
from rich.console import Console

from harness.cli.app import INTERRUPTED, WRONG_INPUT
from harness.core.errors import InputError
from harness.core.spec.arms import tuning_name
from harness.core.spec.identity import difference
from harness.core.spec.study_spec import StudySpec
from harness.evidence.open_tests import Addition, OpenTest, additions, open_tests
from harness.evidence.reported_study import Result, run_or_complain
from harness.evidence.whole_plan import plan_words
from harness.reporting.formats import count, listing
from harness.reporting.pages.claims import ClaimRuns, claim_runs, judge_claims, studies_read
from harness.reporting.results.load import load_recorded
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.verdicts import WORDS, Verdict
from harness.search.plan import StudyPlan
from harness.tracking.stores.databases import prepare_tracking_store
from harness.tracking.stores.mlflow_server import is_server_uri
from harness.tracking.stores.sqlite import is_missing
from harness.tracking.stores.urls import parse, sqlite_path

MakePlan = Callable[[StudySpec, float | None], StudyPlan]
"""The plan of a study with its time limit in seconds."""


@dataclass
class UntilDecided:
    """The tests of the ``claims``, which share one page and its error, and the ``studies`` to run.

    claims: studies as declared, each with a claim. studies: name -> the study as it is run. There
    is no state but what the stores hold: what was stopped is resumed by the same command.
    left_out: studies that could not be run, and those whose runs in the store were made for another
    declaration; their tests wait no longer.
    """

    claims: Sequence[StudySpec]
    studies: Mapping[str, StudySpec]
    make_plan: MakePlan
    console: Console
    max_seeds: int
    left_out: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Raise InputError without a claim."""
        if not any(spec.claim for spec in self.claims):
            names = ", ".join(spec.name for spec in self.claims)
            raise InputError(f"--until-decided is for studies with a [claim]; {names} has none")

    @cached_property
    def plan(self) -> StudyPlan:
        """Any plan of these studies: they share their stores."""
        return self.make_plan(next(iter(self.studies.values())), None)

    def run(self, timeout: float | None, *, no_report: bool) -> tuple[list[Result], int]:
        """Train what open tests need, look, and again: the studies' last results, exit code."""
        began = time.monotonic()
        if not is_server_uri(self.plan.tracking_uri):
            prepare_tracking_store(self.plan.tracking_uri, self.plan.layout.artifact_root)
        results: dict[str, Result] = {}
        code = 0
        while needed := self.look():
            ran = 0
            for addition in needed:
                left = None if timeout is None else timeout - (time.monotonic() - began)
                if left is not None and left <= 0:
                    self._say("the time is over; the same command continues")
                    return list(results.values()), code
                name, plan = addition.spec.name, self.make_plan(addition.spec, left)
                results[name], study_code = run_or_complain(plan, self.console, no_report=no_report)
                ran += _num_ran(results[name])
                if "error" in results[name]:
                    self.left_out.add(name)
                code = max(code, study_code)
                if study_code == INTERRUPTED:
                    return list(results.values()), code
            if not ran:
                break
        return list(results.values()), max(code, WRONG_INPUT if self.left_out else 0)

    def look(self) -> list[Addition]:
        """Say what is decided and what is open; the runs that the open tests need next."""
        found, verdicts, results = self._judged()
        tests = open_tests(found, verdicts, self.max_seeds)
        specs = {name: spec for name, spec in self.studies.items() if name not in self.left_out}
        needed = additions(tests, specs, results, self._tunings(results))
        for line in _lines(found, verdicts, tests, needed):
            self._say(line)
        return needed

    def plan_all(self) -> None:
        """Say where the tests stand, what they need next, and what all of them need at most."""
        self.look()
        self._say(plan_words(list(self.studies.values()), self.max_seeds))

    def _judged(self) -> tuple[list[ClaimRuns], list[Verdict], dict[str, StudyResults]]:
        results = self._of_these_studies(
            _recorded(self.plan.tracking_uri, studies_read(self.claims))
        )
        found = claim_runs(list(results.values()), self.claims)
        return found, judge_claims(found), results

    def _tunings(self, results: Mapping[str, StudyResults]) -> dict[str, StudyResults]:
        """Study -> the runs that tune its arms; also of a study without a run of its own."""
        found = {name: one.tuning for name, one in results.items() if one.tuning}
        others = {
            tuning_name(name): name
            for name, spec in self.studies.items()
            if spec.tune and name not in results
        }
        recorded = _recorded(self.plan.tracking_uri, list(others))
        return {**found, **{others[name]: one for name, one in recorded.items()}}

    def _of_these_studies(self, results: dict[str, StudyResults]) -> dict[str, StudyResults]:
        """Those of ``results`` that may grow; each other one is named once, in one line."""
        kept = {}
        for name, found in results.items():
            if name not in self.studies or not (other := self._difference(found)):
                kept[name] = found
            elif name not in self.left_out:
                self.left_out.add(name)
                typer.echo(
                    f"error: {name}: its runs in this store were made for another {other}; take "
                    f"another store, such as HARNESS_MLRUNS=FOLDER",
                    err=True,
                )
        return kept

    def _difference(self, results: StudyResults) -> str:
        return difference(results.spec, self.studies[results.spec.name])

    def _say(self, line: str) -> None:
        self.console.print(line, soft_wrap=True, highlight=False, markup=False)


def _num_ran(result: Result) -> int:
    """How many runs ended in a session, those that tune arms included."""
    return int(result.get("ran", 0)) + int((result.get("tuning") or {}).get("ran", 0))


def _recorded(tracking_uri: str, names: Sequence[str]) -> dict[str, StudyResults]:
    """Those of the studies that have runs, by name; none where there is no store yet."""
    if not is_server_uri(tracking_uri):
        url = parse(tracking_uri, "--tracking-uri")
        if url.get_backend_name() == "sqlite" and is_missing(sqlite_path(url, "--tracking-uri")):
            return {}
    return load_recorded(tracking_uri, names)


def _lines(
    found: Sequence[ClaimRuns],
    verdicts: Sequence[Verdict],
    tests: Sequence[OpenTest],
    needed: Sequence[Addition],
) -> list[str]:
    """Where all tests stand, and what each study with open tests is to have next."""
    total = sum(len(one.claim.tests) for one in found)
    words = Counter(verdict.decision.word for verdict in verdicts)
    decided = [f"{words[word]} {word}" for word in WORDS[:-1] if words[word]]
    head = f"{count(total, 'test')}: {sum(words[word] for word in WORDS[:-1])} decided"
    head += f" ({listing(decided)})" if decided else ""
    head += f", {len(tests)} open"
    if rest := total - len(tests) - sum(words[word] for word in WORDS[:-1]):
        head += f", {rest} undecided with no look left"
    runs = sum(one.runs for one in needed)
    lines = [head + (f"; the next looks need {count(runs, 'run')}" if needed else "")]
    for one in needed:
        lines.append(f"  {one.spec.name} ({', '.join(one.claims)}): {one.words}")
    return lines
