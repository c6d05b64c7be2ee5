"""What a person sees of a running search: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.core.config import TrialConfig
from harness.core.schema import INTERRUPTED, FinalState
from harness.core.spec.study_spec import StudySpec
from harness.search.display.events import SearchObserver, TrialEnd

MARKS = {FinalState.COMPLETE: "done", FinalState.PRUNED: "pruned", FinalState.FAIL: "failed"}


class Display(SearchObserver):
    """Follows a search: finished trials as lines that stay, the running ones as a live panel.

    Where ``console`` is no terminal there is no panel and every milestone is a line. Use as a
    context manager. Several workers tell their trials to ``worker(number)``; what a lone one tells
    goes to the display itself.
    """

    def __init__(
        self, console: Console, spec: StudySpec, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Write to ``console``; ``clock`` gives seconds."""
        self._console = console
        self.spec = spec
        self.clock = clock
        self._done = self._total = 0
        self._best: tuple[int, float] | None = None
        self._finished_seconds: list[float] = []
        self._workers: dict[int, _WorkerLine] = {}
        self._live = Live(
            get_renderable=self._panel, console=console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Display:
        """Start the panel, where there is a terminal."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Take the panel away; the lines stay."""
        self._live.stop()

    def message(self, text: str) -> None:
        """Print one line."""
        self.print(Text(text, style="dim"))

    def search_started(self, study_name: str, done: int, total: int) -> None:
        """Say what is there and what is left."""
        self._done, self._total = done, total
        if 0 < done < total:
            self.message(f"{study_name}: {done} of {total} trials are done, {total - done} to go")

    def standing(self, done: int, total: int) -> None:
        """Count the trials of other processes too."""
        self._done, self._total = done, total

    def worker(self, number: int) -> _WorkerLine:
        """The part of the display that shows the running trial of worker ``number``."""
        return self._workers.setdefault(number, _WorkerLine(self))

    def trial_started(self, number: int, config: TrialConfig) -> None:
        """Show the configuration of the trial that begins."""
        self.worker(0).trial_started(number, config)

    def training(self, images_seen: int, images_per_second: float) -> None:
        """Move the bar of the running trial."""
        self.worker(0).training(images_seen, images_per_second)

    def scored(self, images_seen: int, scores: Mapping[str, float]) -> None:
        """Show the scores of the milestone."""
        self.worker(0).scored(images_seen, scores)

    def trial_ended(self, end: TrialEnd) -> None:
        """Print the line of the trial that ended."""
        self.worker(0).trial_ended(end)

    def count(self, end: TrialEnd, searched: str) -> None:
        """Print the line of the trial that ended and count it, if it counts."""
        metric = self.spec.search.metric
        if end.reason != INTERRUPTED:
            self._done += 1
            self._finished_seconds.append(end.wall_seconds)
        if end.value is not None and self._is_best(end.value):
            self._best = (end.number, end.value)
        value = f"{metric} {end.value:.4g}" if end.value is not None else end.reason
        style = {FinalState.COMPLETE: "green", FinalState.FAIL: "red"}.get(end.state, "yellow")
        line = Text(f"trial {end.number:>3}  ")
        line.append(f"{MARKS[end.state]:<7}", style=style)
        line.append(f" {value:<16} {searched}")
        line.append(f"  {duration(end.wall_seconds)}  [{self._done}/{self._total}]", style="dim")
        self.print(line)

    def _is_best(self, value: float) -> bool:
        if self._best is None:
            return True
        lower = value < self._best[1]
        return lower if self.spec.search.direction == "minimize" else not lower

    def _running(self) -> list[_WorkerLine]:
        return [self._workers[n] for n in sorted(self._workers) if self._workers[n].config]

    def _seconds_left(self) -> float | None:
        """The rest of the running trials and those to come, at the pace so far, in parallel."""
        running = self._running()
        spans = [span for line in running if (span := line.seconds()) is not None]
        if not spans:
            return None
        pace = self._finished_seconds or [whole for whole, _ in spans]
        unstarted = max(self._total - self._done - len(running), 0)
        others = unstarted * sum(pace) / len(pace)
        return sum(left for _, left in spans) / len(spans) + others / len(running)

    def left_text(self) -> str:
        """How long the study will still take, in words; empty while nothing is known."""
        left = self._seconds_left()
        return "" if left is None else f"about {duration(left)} left"

    def _panel(self) -> Group:
        table = Table.grid(padding=(0, 2))
        best = f"  best {self.spec.search.metric} {self._best[1]:.4g}" if self._best else ""
        table.add_row(
            "study",
            ProgressBar(max(self._total, 1), self._done, width=24),
            f"{self._done}/{self._total} trials{best}  {self.left_text()}",
        )
        for line in self._running():
            for row in line.rows():
                table.add_row(*row)
        return Group(table)

    @property
    def is_terminal(self) -> bool:
        """Whether the panel is there to show what runs."""
        return self._console.is_terminal

    def print(self, text: Text) -> None:
        """Print a line that stays."""
        self._console.print(text, soft_wrap=True, highlight=False)


class _WorkerLine(SearchObserver):
    """The running trial of one worker, as a part of the display."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self.config: TrialConfig | None = None
        self._number = 0
        self._began = 0.0
        self._images_seen = 0
        self._rate = 0.0
        self._scores: Mapping[str, float] = {}

    def message(self, text: str) -> None:
        """Print one line."""
        self._display.message(text)

    def standing(self, done: int, total: int) -> None:
        """Count for all."""
        self._display.standing(done, total)

    def trial_started(self, number: int, config: TrialConfig) -> None:
        """Show the configuration of the trial that begins."""
        self._number, self.config = number, config
        self._began = self._display.clock()
        self._images_seen, self._rate, self._scores = 0, 0.0, {}
        if not self._display.is_terminal:
            self._display.print(Text(f"trial {number:>3}  starts  {self._searched()}"))

    def training(self, images_seen: int, images_per_second: float) -> None:
        """Move the bar of the trial."""
        self._images_seen, self._rate = images_seen, images_per_second

    def scored(self, images_seen: int, scores: Mapping[str, float]) -> None:
        """Show the scores of the milestone."""
        self._images_seen, self._scores = images_seen, scores
        if not self._display.is_terminal:
            text = f"trial {self._number:>3}  {images_seen:>10,} images  {self._score_text()}"
            text = f"{text}  {self._rate:,.0f} images/s  {self._display.left_text()}"
            self._display.print(Text(text))

    def trial_ended(self, end: TrialEnd) -> None:
        """Print the line of the trial that ended."""
        self._display.count(end, self._searched())
        self.config = None

    def seconds(self) -> tuple[float, float] | None:
        """(The whole trial, the rest of it) at its pace; None before its first images."""
        if self.config is None or not self._images_seen:
            return None
        spent = self._display.clock() - self._began
        whole = spent * self.config.images / self._images_seen
        return whole, max(whole - spent, 0.0)

    def rows(self) -> list[tuple[RenderableType, ...]]:
        """The trial in the panel: its bar, its figures, its configuration."""
        if self.config is None:
            return []
        images = self.config.images
        figures = f"{self._images_seen:,}/{images:,} images  {self._rate:,.0f} images/s"
        bar = ProgressBar(images, self._images_seen, width=24)
        searched = Text(self._searched(), style="dim")
        row = (f"trial {self._number}", bar, f"{figures}  {self._score_text()}")
        return [row, ("", "", searched)]

    def _searched(self) -> str:
        if self.config is None:
            return ""
        spec = self._display.spec
        names = (*spec.varied, *(["seed"] if spec.arms else []))
        values = ((name, getattr(self.config, name)) for name in names)
        return "  ".join(
            f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in values
        )

    def _score_text(self) -> str:
        names = dict.fromkeys([self._display.spec.search.metric, "fid", "modes_captured"])
        return "  ".join(f"{n} {self._scores[n]:.4g}" for n in names if n in self._scores)


def duration(seconds: float) -> str:
    """``seconds`` as a person says it: 8 s, 3 min 05 s, 2 h 04 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
