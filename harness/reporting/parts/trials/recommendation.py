"""The configuration that a search recommends, ready to copy, and how far the advice goes."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, fields
from typing import Any

from harness.core.config import TrialConfig
from harness.outcomes.winner import Winner
from harness.reporting import formats
from harness.reporting.parts.provenance import trial_record
from harness.reporting.results.tables import StudyResults


@dataclass(frozen=True)
class Recommendation:
    """title: whose configuration. words: how far the advice goes. toml: the table [base] of a study
    file. commands: (what it does, command line)."""

    title: str
    words: str
    toml: str
    commands: list[tuple[str, str]]


def recommendation(results: StudyResults) -> Recommendation | None:
    """The winner's configuration; None without a winner, as before the first completed trial."""
    winner, row = results.winner, results.winning_trial
    if winner is None or row is None:
        return None
    config = trial_record(results, row)["config"]
    given = {name: config[name] for name in _told(config, results) if config[name] is not None}
    base = "\n".join(f"{name} = {_toml(value)}" for name, value in given.items())
    return Recommendation(
        title=f"The configuration of trial {winner.trial}",
        words=_advice(winner, bool(results.spec.space)),
        toml=f"[base]\n{base}",
        commands=_commands(results, config),
    )


def _advice(winner: Winner, searched: bool) -> str:
    """What to do with the configuration, and how sure that is."""
    taken = f"Take the configuration of trial {winner.trial}"
    others = formats.count(len(winner.alike), "other")
    if winner.num_seeds == 0:
        if not searched:
            return f"{taken}: no other was tried."
        alike = f", and {others} scored within 10 % of it" if winner.alike else ""
        return (
            f"{taken} as a candidate, not as a result: it was trained with one seed{alike}. Train "
            f"it with other seeds before you rely on it."
        )
    seeds = formats.count(winner.num_seeds, "fresh seed")
    if winner.alike:
        return (
            f"{taken} if you need one: on {seeds} it is not told apart from {others}, so what they "
            f"share says more than which of them comes first."
        )
    if winner.compared > 1:
        return f"{taken}: on {seeds} it did better than the others that were confirmed."
    return f"{taken}: it was confirmed on {seeds}, and no other configuration was."


def _told(config: dict[str, Any], results: StudyResults) -> list[str]:
    """The fields that the TOML names: what the study searched or fixed, and what is no default."""
    defaults = {field.name: field.default for field in fields(TrialConfig)}
    named = {"dataset", "architecture", "images", *results.spec.base, *results.spec.space}
    return [
        name for name in defaults if name in named or config[name] not in (None, defaults[name])
    ]


def _toml(value: str | int | float) -> str:
    """A value as TOML: text as a basic string, numbers so that they are read back the same."""
    if not isinstance(value, str):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _commands(results: StudyResults, config: dict[str, Any]) -> list[tuple[str, str]]:
    """Command lines that train the winner again and that use the generator that it has kept."""
    name = shlex.quote(results.spec.name)
    settings = [f"--set {shlex.quote(f'{k}={config[k]}')}" for k in results.spec.space]
    again = " \\\n    ".join([f"python -m harness.trial {name}", *settings])
    return [
        ("Train it again", again),
        ("Images from its generator", f"python -m harness.generate {name} --num 64"),
        (
            "Its generator as files of your own",
            f"python -m harness.export {name} --output {name}-winner",
        ),
    ]
