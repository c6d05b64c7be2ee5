import io

import pytest
from rich.console import Console

from harness.core.config import TrialConfig
from harness.core.schema import INTERRUPTED, FinalState
from harness.core.spec.study_spec import StudySpec
from harness.search.display.events import (
    Message,
    StudyProgress,
    TrialFinished,
    TrialScored,
    TrialStarted,
    TrialTrained,
)
from harness.search.display.summary import score_lines, score_report, summary_lines
from harness.search.display.terminal import Display, duration
from harness.search.study.trials import StudyOutcome

SPEC = StudySpec.from_dict(
    {
        "question": "?",
        "base": {"images": 1_000, "batch_size": 16},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}, "optimizer": {"choices": ["adam"]}},
        "search": {"num_trials": 4, "minimize": "fid"},
    },
    name="s",
)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def shown(clock, terminal=False):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=150, color_system=None)
    return Display(console, SPEC, clock), stream


def test_plain_lines_say_configuration_score_speed_and_time_left(clock):
    display, stream = shown(clock)
    with display:
        display.show(StudyProgress(1, 4))
        display.show(TrialStarted(1, TrialConfig(leaky_slope=0.25, images=1_000, batch_size=16)))
        clock.now = 10.0
        display.show(TrialTrained(1, 250, 800.0))
        display.show(TrialScored(1, 250, {"fid": 12.345, "modes_captured": 7.0}))
        clock.now = 40.0
        display.show(TrialFinished(1, FinalState.COMPLETE, 3.21, "", 40.0))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "s: 1 of 4 trials are done, 3 to go"
    assert "leaky_slope=0.25" in lines[1]
    assert "optimizer=adam" in lines[1]
    assert "fid 12.3" in lines[2]
    assert "modes_captured 7" in lines[2]
    assert "800 images/s" in lines[2]
    # a quarter took 10 s: 30 s are left of this trial and 40 s for each of two more
    assert "about 1 min 50 s left" in lines[2]
    assert "done" in lines[3]
    assert "fid 3.21" in lines[3]
    assert "[2/4]" in lines[3]


def test_time_left_uses_the_trials_before(clock):
    display, stream = shown(clock)
    with display:
        display.show(StudyProgress(0, 3))
        display.show(TrialStarted(0, TrialConfig(images=1_000, batch_size=16)))
        display.show(TrialFinished(0, FinalState.PRUNED, None, "pruner", 20.0))
        display.show(TrialStarted(1, TrialConfig(images=1_000, batch_size=16)))
        clock.now = 10.0
        display.show(TrialScored(1, 500, {"fid": 1.0}))
    # half of this trial took 10 s; the third one will take the 20 s of the first
    assert "about 30 s left" in stream.getvalue()
    assert "pruned" in stream.getvalue()


def test_an_interrupted_trial_is_not_counted(clock):
    display, stream = shown(clock)
    with display:
        display.show(StudyProgress(0, 3))
        display.show(TrialStarted(0, TrialConfig(images=1_000, batch_size=16)))
        display.show(TrialFinished(0, FinalState.FAIL, None, INTERRUPTED, 20.0))
    assert "interrupted" in stream.getvalue()
    assert "[0/3]" in stream.getvalue()


def test_a_terminal_shows_bars_and_the_best_so_far(clock):
    display, stream = shown(clock, terminal=True)
    with display:
        display.show(StudyProgress(0, 3))
        display.show(TrialStarted(0, TrialConfig(images=1_000, batch_size=16)))
        display.show(TrialFinished(0, FinalState.COMPLETE, 2.5, "", 20.0))
        display.show(TrialStarted(1, TrialConfig(images=1_000, batch_size=16)))
        clock.now = 10.0
        display.show(TrialTrained(1, 500, 70.0))
        display._live.refresh()
    text = stream.getvalue()
    assert "1/3 trials  best fid 2.5" in text
    assert "500/1,000 images" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599, "59 min 59 s"), (7440, "2 h 04 min")],
)
def test_duration(seconds, words):
    assert duration(seconds) == words


def outcome(**changes):
    values = {
        "name": "s",
        "metric": "fid",
        "done": 4,
        "total": 4,
        "states": {"COMPLETE": 2, "PRUNED": 1, "FAIL": 1, "INTERRUPTED": 1},
        "ran": 4,
        "interrupted": False,
        "wall_seconds": 65.0,
        "untrained": {"fid": 50.0},
        "scale": {"fid": {"perfect": 0.4, "null_level": 0.5}},
        "best": {
            "trial": 2,
            "value": 1.5,
            "params": {"leaky_slope": 0.2},
            "scores": {"modes_captured": 10.0},
        },
        "arms": {},
        "winner": {"trial": 2, "words": "Trial 2 wins."},
    }
    return StudyOutcome(**{**values, **changes})


def test_summary_says_counts_best_report_and_ui(tmp_path):
    text = "\n".join(summary_lines([outcome()], tmp_path / "index.html", "sqlite:////x/mlflow.db"))
    assert "4 of 4 trials done (2 complete, 1 pruned, 1 failed, 1 interrupted" in text
    assert "winner:  Trial 2 wins.\n" in text
    words = "trial 2 in the search: fid 1.5, modes_captured 10; an untrained generator: fid 50\n"
    assert words in text
    assert "leaky_slope=0.2" in text
    assert str(tmp_path / "index.html") in text
    assert "python -m harness.ui" in text
    assert "use:     python -m harness.generate s     or: python -m harness.export s --out" in text
    assert "--backend-store-uri sqlite:////x/mlflow.db" in text


def test_scores_are_shown_beside_what_they_are_read_by():
    scores = {"fid": 1.5, "fid_low": 1.25, "fid_high": 1.5, "fid_debiased": 1.4, "coverage": 0.8}
    scaled = outcome(
        best={"trial": 2, "value": 1.5, "params": {}, "scores": scores},
        scale={
            "fid": {"perfect": 0.4, "null_level": 0.5},
            "coverage": {"perfect": 0.95, "null_level": None},
        },
    )
    nothing = {"interval": None, "null_level": None, "perfect": None, "untrained": None}
    assert score_report(scaled) == {
        "coverage": {**nothing, "value": 0.8, "perfect": 0.95},
        "fid": {
            "value": 1.5,
            "interval": None,
            "null_level": 0.5,
            "perfect": 0.4,
            "untrained": 50.0,
        },
        "fid_debiased": {**nothing, "value": 1.4, "interval": [1.25, 1.5]},
    }
    heading, coverage, fid, debiased = score_lines(scaled)
    words = ["trained", "95 % interval", "null level", "perfect", "untrained"]
    assert [heading.index(word) for word in words] == sorted(heading.index(word) for word in words)
    assert fid.split() == ["fid", "1.5", "0.5", "0.4", "50"]
    assert debiased.split() == ["fid_debiased", "1.4", "1.25", "to", "1.5"]
    assert coverage.split() == ["coverage", "0.8", "0.95"]
    assert coverage.index("0.95") + len("0.95") == heading.index("perfect") + len("perfect")


def test_a_late_fid_is_said_beside_that_of_the_generator_that_is_kept():
    scores = {"fid_late": 1.5, "fid": 1.75, "modes_captured": 10.0}
    best = {"trial": 2, "value": 1.5, "params": {}, "scores": scores}
    lines = summary_lines([outcome(metric="fid_late", best=best)], None, "sqlite:////x")
    assert "fid_late 1.5, fid of the generator that is kept 1.75, modes_captured 10" in lines[2]


def test_no_scores_are_shown_where_no_trial_is_complete():
    assert score_report(outcome(best=None)) == {}
    assert score_lines(outcome(best=None)) == []


def test_summary_of_a_complete_and_of_an_unfinished_study():
    assert "is complete" in summary_lines([outcome(ran=0)], None, "sqlite:////x")[0]
    unfinished = summary_lines([outcome(done=3, best=None)], None, "sqlite:////x")
    assert any("resume:" in line for line in unfinished)
    assert any("no trial is complete" in line for line in unfinished)
    assert not any("harness.export" in line for line in unfinished)


def test_arms_are_shown_seed_by_seed_and_none_is_called_the_best():
    compared = outcome(arms={"centered": [1.5, 2.25], "unit": []})
    lines = summary_lines([compared], None, "sqlite:////x")
    assert lines[1:3] == ["  centered  fid 1.5  2.25", "  unit      fid no trial is complete"]
    assert not any("winner" in line for line in lines)


def test_the_winner_is_told_after_the_confirmation():
    confirmation = outcome(name="s-confirm", arms={"trial-002": [1.5, 1.75]}, winner=None)
    lines = summary_lines([outcome(), confirmation], None, "sqlite:////x")
    assert [line.split()[0] for line in lines[:4]] == ["study", "study", "trial-002", "winner:"]
    assert sum("winner" in line for line in lines) == 1


def test_an_unfinished_confirmation_is_resumed():
    lines = summary_lines([outcome(), outcome(name="s-confirm", done=1)], None, "sqlite:////x")
    assert any("s-confirm: 1 of 4" in line for line in lines)
    assert any("resume:" in line for line in lines)


def test_a_message_about_a_trial_names_it(clock):
    display, stream = shown(clock)
    display.show(Message("loading"))
    display.show(Message("resuming", 3))
    assert stream.getvalue().splitlines() == ["loading", "trial 3: resuming"]


def test_the_trials_of_several_workers_are_shown_side_by_side(clock):
    display, stream = shown(clock, terminal=True)
    display.show(StudyProgress(0, 4))
    for number in (0, 1):
        display.show(TrialStarted(number, TrialConfig(images=1_000, batch_size=16)))
    clock.now = 10.0
    display.show(TrialTrained(0, 250, 80.0))
    display.show(TrialTrained(1, 500, 40.0))
    display._console.print(display.panel())
    text = stream.getvalue()
    assert "250/1,000 images" in text
    assert "500/1,000 images" in text
    # 30 s and 10 s are left of these two; two more of (40 + 20) / 2 = 30 s each, side by side
    assert "about 50 s left" in text
    display.show(TrialFinished(1, FinalState.COMPLETE, 3.0, "", 10.0))
    display.show(StudyProgress(2, 4))  # one more was done by another machine
    display._console.print(display.panel())
    last = stream.getvalue()[len(text) :]
    assert "500/1,000" not in last
    assert "2/4 trials" in last
