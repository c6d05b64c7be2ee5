"""What a person sees of a running plan: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import textwrap
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.core.config import TrialConfig
from harness.core.schema import INTERRUPTED
from harness.core.spec.arms import Arms
from harness.core.spec.study_spec import StudySpec
from harness.outcomes.alarm import alarm_word
from harness.search.display.events import (
    Event,
    Message,
    StudyProgress,
    TrialFinished,
    TrialScored,
    TrialStarted,
    TrialTrained,
)
from harness.search.display.time_left import Left, RunningTrial, TimeLeft
from harness.search.display.trial_table import Row, TrialTable, field_words, fitting

_NARROW = 80
"""The width of a line where there is no terminal, and of no terminal that is narrower."""

_UNITS = ((1, 1, "s"), (60, 60, "min"), (3_600, 1_800, "h"))
"""Units of a range of seconds, the first of which there are a hundred at most: its seconds, those
to which the ends are rounded outwards, and its sign."""


@dataclass
class PlanProgress:
    """How far a plan is, over all its sessions: a search, and the confirmation that follows.

    before: trials of studies of the plan that are over. time: what tells the time left.
    """

    time: TimeLeft
    before: int = 0

    @classmethod
    def of(cls, spec: StudySpec, workers: int = 1) -> PlanProgress:
        """At the beginning of the plan that runs ``spec``, ``workers`` trials at once."""
        return cls(TimeLeft.of(spec, workers))

    def confirm(self, trials: int, arms: Arms) -> None:
        """The search of ``trials`` is over; a session of its confirmation runs ``arms``."""
        self.before = trials
        self.time.confirm(arms)


@dataclass
class _Shown:
    """What the panel shows of a trial that runs now."""

    config: TrialConfig
    progress: RunningTrial
    images_per_second: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)


class Display:
    """Shows the events of a search: ended trials as a table, running ones as a live panel.

    Where ``console`` is no terminal there is no panel and every milestone is a line. Use as a
    context manager; ``show`` is a Listener.
    """

    def __init__(
        self,
        console: Console,
        spec: StudySpec,
        plan: PlanProgress | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write to ``console``; ``plan``: of all sessions; ``clock`` gives seconds."""
        self._console = console
        self._spec = spec
        self._plan = plan or PlanProgress.of(spec)
        self._clock = clock
        self._opens: float | None = clock()
        self._progress: StudyProgress | None = None
        self._best: float | None = None
        self._running: dict[int, _Shown] = {}
        self._table = TrialTable(spec, self._width, self._plan.before)
        self._headed = False
        self._live = Live(
            get_renderable=self.panel, console=console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Display:
        """Start the panel, where there is a terminal."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Remove the panel; the lines stay."""
        self._live.stop()

    def show(self, event: Event) -> None:
        """Print what the event has to say, and keep what the panel shows of it."""
        match event:
            case Message(text, trial):
                about = "" if trial is None else f"trial {trial}: "
                print_wrapped(self._console, about + text, "dim")
            case StudyProgress():
                self._show_progress(event)
            case TrialStarted(number, config):
                now = self._clock()
                if self._opens is not None:
                    self._plan.time.opened(now - self._opens)
                    self._opens = None
                self._running[number] = _Shown(config, RunningTrial(config.images, now))
                words = [f"trial {number:>3}  starts", *field_words(self._spec, config)]
                self._print_line(fitting(words, self._width))
            case TrialTrained(number, images_seen, images_per_second):
                if shown := self._running.get(number):
                    shown.progress.seen(images_seen, images_per_second, self._clock())
                    shown.images_per_second = images_per_second
            case TrialScored():
                self._show_scores(event)
            case TrialFinished():
                self._show_end(event)

    def panel(self) -> Group:
        """The running trials and the plan, with bars and the time left."""
        done, total = self._counts()
        best = "" if self._best is None else f"best {self._spec.search.metric} {self._best:.4g}"
        table = Table.grid(padding=(0, 2))
        bar_width = self._width // 6
        room = self._width - bar_width - len("trial 0000") - 4
        figures = fitting([f"{done}/{total} trials", self._left(), best], room)
        if self._progress is not None:
            table.add_row("in all", ProgressBar(max(total, 1), done, width=bar_width), figures)
        for number, shown in sorted(self._running.items()):
            images, seen = shown.config.images, shown.progress.images_seen
            speed = f"{shown.images_per_second:,.0f}/s"
            words = [f"{seen:,}/{images:,} images", speed, *self._scores(shown.scores)]
            bar = ProgressBar(images, seen, width=bar_width)
            table.add_row(f"trial {number}", bar, fitting(words, room))
        return Group(table)

    @property
    def _width(self) -> int:
        return max(self._console.width, _NARROW)

    def _show_progress(self, event: StudyProgress) -> None:
        if self._progress is None and 0 < event.done < event.total:
            left = event.total - event.done
            text = f"{self._spec.name}: {event.done} of {event.total} trials are done, {left} to go"
            print_wrapped(self._console, text, "dim")
        self._progress = event

    def _show_scores(self, event: TrialScored) -> None:
        shown = self._running.get(event.number)
        if shown is None:
            return
        shown.progress.seen(event.images_seen, shown.images_per_second, self._clock())
        shown.scores = event.scores
        words = [f"trial {event.number:>3}  {event.images_seen:>10,} images"]
        score, *others = [*self._scores(event.scores), ""]
        words += [score, self._left(), f"{shown.images_per_second:,.0f} images/s", *others]
        self._print_line(fitting(words, self._width))

    def _show_end(self, event: TrialFinished) -> None:
        """Print the row of a trial that ended and count the trial, if it counts."""
        shown = self._running.pop(event.number, None)
        if event.reason != INTERRUPTED:
            if self._progress is not None:
                done = self._progress.done + 1
                self._progress = StudyProgress(done, self._progress.total)
            if shown is not None:
                self._plan.time.add(shown.progress, event.wall_seconds)
        best = event.value is not None and self._is_best(event.value)
        if best:
            self._best = event.value
        done, total = self._counts()
        config = shown.config if shown else None
        facts = (event.number, event.state, event.value, event.reason, config)
        row = Row(*facts, event.wall_seconds, best, f"{done}/{total}")
        if not self._headed:
            self._print_heading()
        self._print(self._table.row(row))

    def _print_heading(self) -> None:
        self._headed = True
        self._print(Text(self._table.heading, style="bold"))
        if names := self._table.left_out:
            text = f"no room here, but in the report: {', '.join(names)}"
            print_wrapped(self._console, text, "dim")

    def _is_best(self, value: float) -> bool:
        """Whether a search has found nothing better; arms have no best trial."""
        if self._spec.arms is not None or self._best is None:
            return self._spec.arms is None
        lower = value < self._best
        return lower if self._spec.search.direction == "minimize" else not lower

    def _counts(self) -> tuple[int, int]:
        """(Trials of the plan that are done, trials in total), as far as they are known."""
        done, total = (self._progress.done, self._progress.total) if self._progress else (0, 0)
        return self._plan.before + done, self._plan.before + total + sum(self._plan.time.sessions)

    def time_left(self) -> Left | None:
        """How long the plan will still take; None while nothing is known."""
        if self._progress is None:
            return None
        running = [shown.progress for shown in self._running.values()]
        to_come = max(self._progress.total - self._progress.done - len(running), 0)
        return self._plan.time.left(running, to_come, self._clock())

    def _left(self) -> str:
        left = self.time_left()
        return "" if left is None else left_words(left)

    def _scores(self, scores: Mapping[str, float]) -> list[str]:
        names = dict.fromkeys([self._spec.search.metric, "modes_captured", "fid"])
        found = [f"{name} {scores[name]:.4g}" for name in names if name in scores]
        word = alarm_word(scores)
        return [*found, word] if word else found

    def _print_line(self, text: str) -> None:
        """Print what the panel shows, where there is no terminal."""
        if not self._console.is_terminal:
            self._print(Text(text))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)


OR = "     or: "
"""Between two commands that stand in one line."""


def print_wrapped(console: Console, text: str, style: str | None = None) -> None:
    """Print ``text``; on a terminal in lines of its width that end between words.

    A word that is longer, such as a path or an address, stays whole, and so does a command of a
    line of two: it is there to be copied.
    """
    if console.is_terminal and OR in text:
        if len(text) > console.width:
            text = text.replace(OR, f"\n    {OR}")
    elif console.is_terminal:
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        text = textwrap.fill(
            text,
            console.width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
        )
    console.print(text, soft_wrap=True, highlight=False, markup=False, style=style)


def left_words(left: Left) -> str:
    """``left`` as a person says it: about 2 min 10 s left, 8 to 11 min left, 1.5 to 2.5 h left."""
    seconds = left.middle
    if left.certain:
        exact = seconds < 600 or seconds >= 3_600  # an estimate of long is one of minutes
        return f"about {duration(seconds) if exact else f'{seconds / 60:.0f} min'} left"
    unit, step, sign = next((one for one in _UNITS if left.high <= 100 * one[0]), _UNITS[-1])
    low, high = (
        step * way(end / step) / unit
        for way, end in ((math.floor, left.low), (math.ceil, left.high))
    )
    return f"{f'{low:g} to' if low else 'up to'} {high:g} {sign} left"


def duration(seconds: float) -> str:
    """``seconds`` as a person says it: 8 s, 3 min 05 s, 2 h 04 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
