"""What a person sees of a running search: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.core.config import TrialConfig
from harness.core.schema import INTERRUPTED, TrialState
from harness.core.study_file import StudySpec
from harness.search.observer import SearchObserver, TrialEnd

MARKS = {TrialState.COMPLETE: "done", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


class Display(SearchObserver):
    """Follows a search: finished trials as lines that stay, the running one as a live panel.

    Where ``console`` is no terminal there is no panel and every milestone is a line. Use as a
    context manager.
    """

    def __init__(
        self, console: Console, spec: StudySpec, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Write to ``console``; ``clock`` gives seconds."""
        self._console = console
        self._spec = spec
        self._clock = clock
        self._done = self._total = 0
        self._best: tuple[int, float] | None = None
        self._finished_seconds: list[float] = []
        self._config: TrialConfig | None = None
        self._number = 0
        self._trial_began = 0.0
        self._images_seen = 0
        self._rate = 0.0
        self._scores: Mapping[str, float] = {}
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
        self._print(Text(text, style="dim"))

    def search_started(self, study_name: str, done: int, total: int) -> None:
        """Say what is there and what is left."""
        self._done, self._total = done, total
        if 0 < done < total:
            self.message(f"{study_name}: {done} of {total} trials are done, {total - done} to go")

    def trial_started(self, number: int, config: TrialConfig) -> None:
        """Show the configuration of the trial that begins."""
        self._number, self._config = number, config
        self._trial_began = self._clock()
        self._images_seen, self._rate, self._scores = 0, 0.0, {}
        if not self._console.is_terminal:
            self._print(Text(f"trial {number:>3}  starts  {self._searched(config)}"))

    def training(self, images_seen: int, images_per_second: float) -> None:
        """Move the bar of the running trial."""
        self._images_seen, self._rate = images_seen, images_per_second

    def scored(self, images_seen: int, scores: Mapping[str, float]) -> None:
        """Show the scores of the milestone."""
        self._images_seen, self._scores = images_seen, scores
        if not self._console.is_terminal:
            text = f"trial {self._number:>3}  {images_seen:>10,} images  {self._score_text()}"
            self._print(Text(f"{text}  {self._rate:,.0f} images/s  {self._left_text()}"))

    def trial_ended(self, end: TrialEnd) -> None:
        """Print the line of the trial that ended."""
        metric, config = self._spec.search.metric, self._config
        if end.reason != INTERRUPTED:
            self._done += 1
            self._finished_seconds.append(end.wall_seconds)
        if end.value is not None and self._is_best(end.value):
            self._best = (end.number, end.value)
        value = f"{metric} {end.value:.4g}" if end.value is not None else end.reason
        style = {TrialState.COMPLETE: "green", TrialState.FAIL: "red"}.get(end.state, "yellow")
        line = Text(f"trial {end.number:>3}  ")
        line.append(f"{MARKS[end.state]:<7}", style=style)
        line.append(f" {value:<16} {self._searched(config) if config else ''}")
        line.append(f"  {duration(end.wall_seconds)}  [{self._done}/{self._total}]", style="dim")
        self._print(line)
        self._config = None

    def _is_best(self, value: float) -> bool:
        if self._best is None:
            return True
        lower = value < self._best[1]
        return lower if self._spec.search.direction == "minimize" else not lower

    def _searched(self, config: TrialConfig) -> str:
        names = (*self._spec.varied, *(["seed"] if self._spec.arms else []))
        values = ((name, getattr(config, name)) for name in names)
        return "  ".join(
            f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in values
        )

    def _score_text(self) -> str:
        names = dict.fromkeys([self._spec.search.metric, "fid", "modes_captured"])
        return "  ".join(f"{n} {self._scores[n]:.4g}" for n in names if n in self._scores)

    def _seconds_left(self) -> float | None:
        """The rest of this trial at its pace, and the other trials at the pace of those before."""
        if self._config is None or not self._images_seen:
            return None
        spent = self._clock() - self._trial_began
        whole = spent * self._config.images / self._images_seen
        pace = self._finished_seconds or [whole]
        others = (self._total - self._done - 1) * sum(pace) / len(pace)
        return max(whole - spent, 0.0) + max(others, 0.0)

    def _left_text(self) -> str:
        left = self._seconds_left()
        return "" if left is None else f"about {duration(left)} left"

    def _panel(self) -> Group:
        table = Table.grid(padding=(0, 2))
        best = f"  best {self._spec.search.metric} {self._best[1]:.4g}" if self._best else ""
        table.add_row(
            "study",
            ProgressBar(max(self._total, 1), self._done, width=24),
            f"{self._done}/{self._total} trials{best}  {self._left_text()}",
        )
        if self._config is not None:
            table.add_row(
                f"trial {self._number}",
                ProgressBar(self._config.images, self._images_seen, width=24),
                f"{self._images_seen:,}/{self._config.images:,} images  {self._rate:,.0f} images/s"
                f"  {self._score_text()}",
            )
            table.add_row("", "", Text(self._searched(self._config), style="dim"))
        return Group(table)

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
