import io

import pytest
from rich.console import Console

from harness.core.config import TrialConfig
from harness.core.schema import INTERRUPTED, FinalState
from harness.core.spec.arms import Arms
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
from harness.search.display.terminal import Display, PlanProgress, duration, print_wrapped
from harness.search.study.trials import StudyOutcome

SPEC = StudySpec.from_dict(
    {
        "question": "?",
        "base": {"images": 1_000, "batch_size": 16},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}, "optimizer": {"choices": ["adam"]}},
        "search": {"num_trials": 4, "minimize": "fid", "pruner": "none"},
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


def shown(clock, terminal=False, width=150, spec=SPEC, plan=None):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=width, color_system=None)
    return Display(console, spec, plan, clock), stream


def config(**changes):
    return TrialConfig(**{"images": 1_000, "batch_size": 16, **changes})


def test_plain_lines_say_configuration_score_speed_and_time_left(clock):
    display, stream = shown(clock)
    with display:
        display.show(StudyProgress(1, 4))
        display.show(TrialStarted(1, config(leaky_slope=0.25)))
        clock.now = 10.0
        display.show(TrialTrained(1, 250, 25.0))
        display.show(TrialScored(1, 250, {"fid": 12.345, "modes_captured": 7.0}))
        clock.now = 40.0
        display.show(TrialFinished(1, FinalState.COMPLETE, 3.21, "", 40.0))
    before, starts, scored, heading, ended = stream.getvalue().splitlines()
    assert before == "s: 1 of 4 trials are done, 3 to go"
    assert starts.split() == ["trial", "1", "starts", "leaky_slope=0.25", "optimizer=adam"]
    assert "fid 12.3" in scored
    assert "modes_captured 7" in scored
    assert "25 images/s" in scored
    # a quarter took 10 s: 30 s are left of this trial and 40 s for each of two more
    assert "about 1 min 50 s left" in scored
    assert heading.split() == ["trial", "outcome", "fid", "slope", "optimizer", "time"]
    assert ended.split() == ["1", "best", "3.21", "0.25", "adam", "0:40", "2/4"]


def test_an_interrupted_trial_is_not_counted(clock):
    display, stream = shown(clock)
    with display:
        display.show(StudyProgress(0, 3))
        display.show(TrialStarted(0, config()))
        display.show(TrialFinished(0, FinalState.FAIL, None, INTERRUPTED, 20.0))
    ended = stream.getvalue().splitlines()[-1]
    assert ended.split()[:2] == ["0", "stopped"]
    assert ended.split()[-2:] == ["0:20", "0/3"]


def ended(display, number, value, state=FinalState.COMPLETE, reason="", **changes):
    display.show(TrialStarted(number, config(**changes)))
    display.show(TrialTrained(number, 1_000, 100.0))
    display.show(TrialFinished(number, state, value, reason, 20.0))


def test_a_new_best_is_marked_in_a_search_and_nowhere_else(clock):
    display, stream = shown(clock)
    display.show(StudyProgress(0, 4))
    for number, value in enumerate([3.0, 4.0, 2.0]):
        ended(display, number, value)
    ended(display, 3, None, FinalState.PRUNED, "collapse")
    rows = [line.split() for line in stream.getvalue().splitlines() if line.endswith("/4")]
    assert [("best" in row) for row in rows] == [True, False, True, False]
    assert rows[3][:3] == ["3", "pruned", "collapse"]


def test_the_count_of_a_long_study_is_whole(clock):
    """Ten thousand trials, and three configurations on up to nine seeds each."""
    search = {**SPEC.search.to_dict(), "num_trials": 10_000}
    confirm = {"top": 3, "seeds": 4, "max_seeds": 9}
    long = StudySpec.from_dict({**SPEC.to_dict(), "search": search, "confirm": confirm})
    display, stream = shown(clock, width=80, spec=long)
    display.show(StudyProgress(9_998, 10_000))
    ended(display, 9_998, 3.0)
    assert stream.getvalue().splitlines()[-1].endswith(" 9999/10012")


def test_the_count_of_a_confirmation_has_the_trials_of_its_search(clock):
    arms = {"a": {}, "b": {"leaky_slope": 0.1}}
    again = StudySpec.from_dict({"name": "c", "question": "?", "arms": arms, "seeds": 3})
    plan = PlanProgress.of(again)
    plan.before = 12
    display, stream = shown(clock, spec=again, plan=plan)
    display.show(StudyProgress(0, 6))
    ended(display, 0, 3.0)
    assert stream.getvalue().splitlines()[-1].endswith(" 13/18")


def test_the_table_says_why_a_trial_failed(clock):
    display, stream = shown(clock)
    ended(display, 0, None, FinalState.FAIL, "d_loss is not finite at 1,280 images seen")
    row, reason = stream.getvalue().splitlines()[-2:]
    assert row.split()[:2] == ["0", "failed"]
    assert reason.strip() == "d_loss is not finite at 1,280 images seen"


WIDE = {
    "question": "?",
    "space": {
        "optimizer": {"choices": ["adam", "rmsprop", "nadam", "lion"]},
        "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "leaky_slope": {"low": 0.0, "high": 0.4},
        "pixel_scaling": {"choices": ["centered", "unit"]},
    },
    "confirm": {"top": 2, "seeds": 3},
}


@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("terminal", [True, False])
def test_no_line_is_wider_than_80_columns_and_no_word_is_broken(clock, terminal, more):
    others = ["dropout", "beta_1", "discriminator_learning_rate_ratio"][:more]
    space = WIDE["space"] | {name: {"low": 0.1, "high": 0.9} for name in others}
    spec = StudySpec.from_dict({**WIDE, "space": space}, name="wide")
    display, stream = shown(clock, terminal, 80, spec)
    given = {"optimizer": "rmsprop", "learning_rate": 1.2345e-4, "pixel_scaling": "centered"}
    display.show(StudyProgress(0, 12))
    display.show(Message("loading TensorFlow, the data and the reference classifier of a study"))
    for number in (0, 100):
        display.show(TrialStarted(number, config(**given, leaky_slope=0.123456)))
        clock.now += 5_000.0
        display.show(TrialTrained(number, 500, 12_345.0))
        scores = {"fid_late": 123.456, "fid": 120.5, "modes_captured": 10.0}
        display.show(TrialScored(number, 500, scores))
        if terminal:
            display._console.print(display.panel())
        display.show(TrialFinished(number, FinalState.COMPLETE, 123.456, "", 5_000.0))
    lines = stream.getvalue().splitlines()
    wide = [line for line in lines if len(line) > 80]
    assert not [line for line in wide if terminal or "no room here" not in line]
    row = next(line.split() for line in lines if line.startswith("  100  done "))
    assert row[:4] == ["100", "done", "123.5", "rmsprop"]
    assert {"1.23e-4", "0.123", "1:23:20"} <= set(row)
    assert any("no room here" in line for line in lines) == (more > 0)


def test_a_terminal_of_more_columns_shows_more_fields(clock):
    names = ["dropout", "beta_1"]
    space = WIDE["space"] | {name: {"low": 0.1, "high": 0.9} for name in names}
    spec = StudySpec.from_dict({**WIDE, "space": space}, name="wide")
    for width, there in ((80, False), (120, True)):
        display, stream = shown(clock, True, width, spec)
        ended(display, 0, 1.0)
        assert ("beta_1" in stream.getvalue().splitlines()[0]) == there


def test_arms_are_told_apart_by_name_and_seed(clock):
    arms = {"centered": {"pixel_scaling": "centered"}, "unit": {"pixel_scaling": "unit"}}
    declared = {"question": "?", "base": {"images": 1_000, "batch_size": 16}, "arms": arms}
    spec = StudySpec.from_dict({**declared, "seeds": 2}, name="arms")
    display, stream = shown(clock, spec=spec)
    ended(display, 0, 3.5, pixel_scaling="unit", seed=1)
    heading, row = stream.getvalue().splitlines()[-2:]
    assert heading.split() == ["trial", "outcome", "fid_late", "arm", "seed", "time"]
    assert row.split() == ["0", "done", "3.5", "unit", "1", "0:20", "0/0"]


def test_search_and_confirmation_are_one_plan(clock):
    spec = StudySpec.from_dict({**WIDE, "search": {"num_trials": 4, "pruner": "none"}}, name="s")
    plan = PlanProgress.of(spec)
    display, stream = shown(clock, True, 120, spec, plan)
    display.show(StudyProgress(3, 4))
    display.show(TrialStarted(3, config()))
    clock.now = 10.0
    display.show(TrialTrained(3, 500, 50.0))
    display._console.print(display.panel())
    # 10 s of this trial, and six of 20 s that confirm: 4 + 6 trials, of which 3 are done
    assert "3/10 trials  about 2 min 10 s left" in stream.getvalue()
    display.show(TrialTrained(3, 1_000, 50.0))
    display.show(TrialFinished(3, FinalState.COMPLETE, 2.5, "", 20.0))

    arms = Arms({"trial-000": {"leaky_slope": 0.1}, "trial-001": {"leaky_slope": 0.2}}, 3)
    plan.confirm(4, arms)
    again, stream = shown(clock, True, 120, spec, plan)
    again.show(StudyProgress(0, 6))
    again.show(TrialStarted(0, config()))
    again._console.print(again.panel())
    # six trials of the 20 s that the search's trial took, one of which has just begun
    assert "4/10 trials  about 2 min 00 s left" in stream.getvalue()


def test_a_terminal_shows_bars_and_the_best_so_far(clock):
    display, stream = shown(clock, terminal=True)
    with display:
        display.show(StudyProgress(0, 3))
        ended(display, 0, 2.5)
        display.show(TrialStarted(1, config()))
        clock.now = 10.0
        display.show(TrialTrained(1, 500, 50.0))
        display._live.refresh()
    text = stream.getvalue()
    assert "1/3 trials  about 30 s left  best fid 2.5" in text
    assert "500/1,000 images  50/s" in text


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
        display.show(TrialStarted(number, config()))
    clock.now = 10.0
    display.show(TrialTrained(0, 250, 25.0))
    display.show(TrialTrained(1, 500, 50.0))
    display._console.print(display.panel())
    text = stream.getvalue()
    assert "250/1,000 images" in text
    assert "500/1,000 images" in text
    display.show(TrialFinished(1, FinalState.COMPLETE, 3.0, "", 10.0))
    display.show(StudyProgress(2, 4))  # one more was done by another machine
    display._console.print(display.panel())
    last = stream.getvalue()[len(text) :]
    assert "500/1,000" not in last
    assert "2/4 trials" in last


def test_long_lines_end_between_words_on_a_terminal_and_paths_stay_whole():
    stream = io.StringIO()
    path = "reports/" + "long-name-of-a-folder/" * 5 + "index.html"
    text = f"winner:  {'word ' * 30}{path}"
    print_wrapped(Console(file=stream, force_terminal=True, width=80, color_system=None), text)
    lines = stream.getvalue().splitlines()
    assert path in [line.strip() for line in lines]
    others = [line for line in lines if path not in line]
    assert max(map(len, others)) <= 80
    assert all(line.split()[-1] in ("word", "winner:") for line in others)
    plain = io.StringIO()
    print_wrapped(Console(file=plain, width=80), text)
    assert plain.getvalue() == f"{text}\n"


def test_a_command_stays_whole_on_a_terminal():
    command = f"mlflow ui --backend-store-uri sqlite:////tmp/{'x' * 40}/mlflow.db"
    for width, lines in (
        (80, ["browse:  python -m harness.ui", f"         or: {command}"]),
        (150, [f"browse:  python -m harness.ui     or: {command}"]),
    ):
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, width=width, color_system=None)
        print_wrapped(console, f"browse:  python -m harness.ui     or: {command}")
        assert stream.getvalue().splitlines() == lines
