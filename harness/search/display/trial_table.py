"""The table of ended trials, a row at a time, in lines that are no wider than the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.text import Text

from harness.core.config import FIELD_TYPES, TrialConfig
from harness.core.schema import INTERRUPTED, FinalState
from harness.core.spec.study_spec import Choices, StudySpec

WORDS = {FinalState.COMPLETE: "done", FinalState.PRUNED: "pruned", FinalState.FAIL: "failed"}
STYLES = {FinalState.COMPLETE: "green", FinalState.PRUNED: "yellow", FinalState.FAIL: "red"}
STOPPED = "stopped"
"""The word for a trial that a person or a kill has ended, and that runs again."""

BEST = "best"
"""The word for a complete trial that is better than all before it."""

_HEADING = 9
_HEADINGS = {"learning_rate": "rate", "leaky_slope": "slope", "pixel_scaling": "scaling"}
_GAP = "  "
_NUMBER = 7  # characters of a number such as 1.23e-4
_SCORE = 8  # characters of a score, and of why a trial was pruned
_LONGEST = 14  # characters of any other value


class Row(NamedTuple):
    """A trial that has ended; reason: why it was pruned or failed, "" for a complete one."""

    number: int
    state: FinalState
    value: float | None
    reason: str
    config: TrialConfig | None
    seconds: float
    best: bool
    progress: str


@dataclass(frozen=True)
class _Column:
    heading: str
    width: int
    right: bool

    def cell(self, text: str) -> str:
        """``text`` in the width of the column, cut with a mark if it is longer."""
        if len(text) > self.width:
            text = f"{text[: self.width - 1]}~"
        return text.rjust(self.width) if self.right else text.ljust(self.width)


class TrialTable:
    """Rows of the trials of one study: outcome, score, what was varied, time."""

    def __init__(self, spec: StudySpec, width: int, before: int = 0) -> None:
        """Lines of at most ``width`` characters; fields that find no room are left out.

        ``before``: how many trials of other studies are counted with those of this one.
        """
        self._spec = spec
        metric = spec.search.metric
        score = max(len(metric), _SCORE)
        self._before = [_Column("trial", 5, True), _Column("outcome", 7, False)]
        self._before.append(_Column(metric, score, True))
        own = len(spec.arms.names) * spec.arms.num_seeds if spec.arms else spec.search.num_trials
        most = before + own
        most += spec.confirm.top * spec.confirm.looks[-1] if spec.confirm else 0
        self._after = [_Column("time", 7, True), _Column("", len(f"{most}/{most}"), True)]
        room = width - len(_line([*self._before, *self._after], [""] * 5))
        self._fields: dict[str, _Column] = {}
        for name, column in _fields(spec).items():
            room -= column.width + len(_GAP)
            if room < 0:
                break
            self._fields[name] = column

    @property
    def left_out(self) -> tuple[str, ...]:
        """The fields that vary and have no column."""
        return tuple(name for name in _fields(self._spec) if name not in self._fields)

    @property
    def heading(self) -> str:
        """The names of the columns."""
        return _line(self._columns, [column.heading for column in self._columns]).rstrip()

    def row(self, row: Row) -> Text:
        """The line of a trial; a failure's reason follows in a line of its own."""
        stopped = row.reason == INTERRUPTED
        word = STOPPED if stopped else BEST if row.best else WORDS[row.state]
        score = f"{row.value:.4g}" if row.value is not None else ""
        if row.state == FinalState.PRUNED:
            score = row.reason
        values = _values(self._spec, row.config) if row.config else {}
        cells = [str(row.number), word, score]
        cells += [values.get(name, "") for name in self._fields]
        cells += [short_duration(row.seconds), row.progress]
        text = Text(_line(self._columns, cells).rstrip())
        text.stylize(STYLES[row.state], 7, 7 + len(word))
        if row.best:
            text.stylize("bold", 7, len(_line(self._before, [""] * 3)))
        if row.state == FinalState.FAIL and not stopped and row.reason:
            text.append(f"\n{' ' * 7}{row.reason}", style="red")
        return text

    @property
    def _columns(self) -> list[_Column]:
        return [*self._before, *self._fields.values(), *self._after]


def short_duration(seconds: float) -> str:
    """``seconds`` as 0:08, 3:05, 2:04:09."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def fitting(parts: Sequence[str], width: int) -> str:
    """As many of ``parts`` as fit into ``width`` characters, those that are empty left out.

    The later ones are dropped first; the first one is always there.
    """
    line = ""
    for part in filter(None, parts):
        longer = f"{line}{_GAP}{part}" if line else part
        if line and len(longer) > width:
            break
        line = longer
    return line


def field_words(spec: StudySpec, config: TrialConfig) -> list[str]:
    """What a trial has of its own, such as ``optimizer=adam``; arm and seed for arms."""
    return [f"{name}={value}" for name, value in _values(spec, config).items()]


def _line(columns: Sequence[_Column], cells: Sequence[str]) -> str:
    return _GAP.join(column.cell(cell) for column, cell in zip(columns, cells, strict=True))


def _fields(spec: StudySpec) -> dict[str, _Column]:
    """The columns of what differs between trials, by name."""
    if spec.arms:
        longest = min(max(map(len, spec.arms.names)), _LONGEST)
        return {"arm": _Column("arm", max(3, longest), False), "seed": _Column("seed", 5, True)}
    return {name: _field(spec, name) for name in spec.space}


def _field(spec: StudySpec, name: str) -> _Column:
    heading = _HEADINGS.get(name, name)
    domain = spec.space[name]
    text = FIELD_TYPES[name] == "str" and isinstance(domain, Choices)
    if text and isinstance(domain, Choices):
        width = min(max(len(str(value)) for value in domain.values), _LONGEST)
    else:
        width = _NUMBER
    heading = heading if len(heading) <= _HEADING else f"{heading[: _HEADING - 1]}~"
    return _Column(heading, max(width, len(heading)), not text)


def _values(spec: StudySpec, config: TrialConfig) -> Mapping[str, str]:
    if spec.arms:
        arms = spec.arms.configs(spec.base_config())
        same = [arm for arm, one in arms.items() if one.config_id == config.config_id]
        return {"arm": same[0] if same else "", "seed": str(config.seed)}
    return {name: _value(getattr(config, name)) for name in spec.space}


def _value(value: str | int | float) -> str:
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.2e}" if 0 < abs(value) < 0.001 else f"{value:.3g}"
    return text.replace("e-0", "e-").replace("e+0", "e")
