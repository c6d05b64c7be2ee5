"""What a person sees of a running search: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.core.config import TrialConfig
from harness.core.schema import INTERRUPTED, FinalState
from harness.core.spec.study_spec import StudySpec
from harness.search.display.events import (
    Event,
    Message,
    StudyProgress,
    TrialFinished,
    TrialScored,
    TrialStarted,
    TrialTrained,
)

STATE_WORDS = {
    FinalState.COMPLETE: "done",
    FinalState.PRUNED: "pruned",
    FinalState.FAIL: "failed",
}
_STYLES = {FinalState.COMPLETE: "green", FinalState.PRUNED: "yellow", FinalState.FAIL: "red"}
_BAR_WIDTH = 24


@dataclass
class _RunningTrial:
    """A trial that runs now, as far as its events tell."""

    config: TrialConfig
    began: float
    images_seen: int = 0
    images_per_second: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)

    def seconds(self, now: float) -> tuple[float, float] | None:
        """(The whole trial, the rest of it) at its pace so far; None before its first images."""
        if not self.images_seen:
            return None
        spent = now - self.began
        whole = spent * self.config.images / self.images_seen
        return whole, max(whole - spent, 0.0)


class Display:
    """Shows the events of a search: finished trials as lines, running ones as a live panel.

    Where ``console`` is no terminal there is no panel and every milestone is a line. Use as a
    context manager; ``show`` is a Listener.
    """

    def __init__(
        self, console: Console, spec: StudySpec, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Write to ``console``; ``clock`` gives seconds."""
        self._console = console
        self._spec = spec
        self._clock = clock
        self._progress: StudyProgress | None = None
        self._best: float | None = None
        self._finished_seconds: list[float] = []
        self._running: dict[int, _RunningTrial] = {}
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
                self._print(Text(about + text, style="dim"))
            case StudyProgress():
                self._show_progress(event)
            case TrialStarted(number, config):
                self._running[number] = _RunningTrial(config, self._clock())
                self._print_line(f"trial {number:>3}  starts  {self._fields(config)}")
            case TrialTrained(number, images_seen, images_per_second):
                if running := self._running.get(number):
                    running.images_seen = images_seen
                    running.images_per_second = images_per_second
            case TrialScored():
                self._show_scores(event)
            case TrialFinished():
                self._show_end(event)

    def panel(self) -> Group:
        """The running trials and the study, with bars and the time left."""
        done, total = self._counts()
        table = Table.grid(padding=(0, 2))
        best = "" if self._best is None else f"  best {self._spec.search.metric} {self._best:.4g}"
        bar = ProgressBar(max(total, 1), done, width=_BAR_WIDTH)
        table.add_row("study", bar, f"{done}/{total} trials{best}  {self._left()}")
        for number, trial in sorted(self._running.items()):
            images = trial.config.images
            figures = f"{trial.images_seen:,}/{images:,} images"
            figures += f"  {trial.images_per_second:,.0f} images/s  {self._scores(trial.scores)}"
            bar = ProgressBar(images, trial.images_seen, width=_BAR_WIDTH)
            table.add_row(f"trial {number}", bar, figures)
            table.add_row("", "", Text(self._fields(trial.config), style="dim"))
        return Group(table)

    def _show_progress(self, event: StudyProgress) -> None:
        if self._progress is None and 0 < event.done < event.total:
            left = event.total - event.done
            text = f"{self._spec.name}: {event.done} of {event.total} trials are done, {left} to go"
            self._print(Text(text, style="dim"))
        self._progress = event

    def _show_scores(self, event: TrialScored) -> None:
        trial = self._running.get(event.number)
        if trial is None:
            return
        trial.images_seen, trial.scores = event.images_seen, event.scores
        self._print_line(
            f"trial {event.number:>3}  {event.images_seen:>10,} images  "
            f"{self._scores(event.scores)}  {trial.images_per_second:,.0f} images/s  {self._left()}"
        )

    def _show_end(self, event: TrialFinished) -> None:
        """Print the line of a trial that ended and count it, if it counts."""
        trial = self._running.pop(event.number, None)
        done, total = self._counts()
        if event.reason != INTERRUPTED:
            done += 1
            self._progress = StudyProgress(done, total)
            self._finished_seconds.append(event.wall_seconds)
        if event.value is not None and self._is_best(event.value):
            self._best = event.value
        value = event.reason
        if event.value is not None:
            value = f"{self._spec.search.metric} {event.value:.4g}"
        line = Text(f"trial {event.number:>3}  ")
        line.append(f"{STATE_WORDS[event.state]:<7}", style=_STYLES[event.state])
        line.append(f" {value:<16} {self._fields(trial.config) if trial else ''}")
        line.append(f"  {duration(event.wall_seconds)}  [{done}/{total}]", style="dim")
        self._print(line)

    def _is_best(self, value: float) -> bool:
        if self._best is None:
            return True
        lower = value < self._best
        return lower if self._spec.search.direction == "minimize" else not lower

    def _counts(self) -> tuple[int, int]:
        """(Trials that are done, trials in total), zeros before the first StudyProgress."""
        return (self._progress.done, self._progress.total) if self._progress else (0, 0)

    def _left(self) -> str:
        """How long the study will still take, in words; "" while nothing is known.

        The rest of the running trials, then those to come at the mean pace so far, as many at once
        as run now.
        """
        now = self._clock()
        spans = [span for trial in self._running.values() if (span := trial.seconds(now))]
        if not spans:
            return ""
        pace = self._finished_seconds or [whole for whole, _ in spans]
        done, total = self._counts()
        running = len(self._running)
        to_come = max(total - done - running, 0) * sum(pace) / len(pace)
        left = sum(rest for _, rest in spans) / len(spans) + to_come / running
        return f"about {duration(left)} left"

    def _fields(self, config: TrialConfig) -> str:
        """The fields in which the trials of the study differ, with their values."""
        names = (*self._spec.varied, *(["seed"] if self._spec.arms else []))
        values = ((name, getattr(config, name)) for name in names)
        return "  ".join(
            f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in values
        )

    def _scores(self, scores: Mapping[str, float]) -> str:
        names = dict.fromkeys([self._spec.search.metric, "fid", "modes_captured"])
        return "  ".join(f"{name} {scores[name]:.4g}" for name in names if name in scores)

    def _print_line(self, text: str) -> None:
        """Print what the panel shows, where there is no terminal."""
        if not self._console.is_terminal:
            self._print(Text(text))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)


def duration(seconds: float) -> str:
    """``seconds`` as a person says it: 8 s, 3 min 05 s, 2 h 04 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
