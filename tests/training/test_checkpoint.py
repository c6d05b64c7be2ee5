"""Checkpoints: whole or not there, for one trial alone, and worth every bit of the training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.data.load import load_dataset
from harness.data.record_file import RecordError, read_record_file, write_record_file
from harness.training import checkpoint, loop
from harness.training.checkpoint import CheckpointFile, Schedule, Snapshot, size_of
from harness.training.loop import Trainer
from tests.support.losses import WHOLE_GAME

TINY = TrialConfig(width=0.0625, batch_size=16, images=160, latent_dim=8)
MILESTONES = (64, 160)
SETTING = {"milestones": list(MILESTONES)}
SNAPSHOT = Snapshot({"a": np.arange(6.0).reshape(2, 3)}, {"steps_done": 3, "seconds": 0.1})


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture
def file(tmp_path: Path, digits) -> CheckpointFile:
    return CheckpointFile(tmp_path, "study", TINY, digits, SETTING)


def test_what_was_saved_last_is_what_is_loaded(file: CheckpointFile):
    assert file.load() is None
    file.save(SNAPSHOT)
    file.save(Snapshot({"a": SNAPSHOT.arrays["a"] + 1}, {"steps_done": 4}))
    found = file.load()
    assert found is not None
    assert found.record == {"steps_done": 4}
    assert np.array_equal(found.arrays["a"], SNAPSHOT.arrays["a"] + 1)
    assert [path.name for path in file.path.parent.iterdir()] == [file.path.name]
    file.remove()
    assert file.load() is None
    assert not file.path.parent.exists()
    file.remove()


def test_a_retried_configuration_finds_it_and_another_does_not(
    file: CheckpointFile, tmp_path: Path, digits
):
    file.save(SNAPSHOT)
    same = CheckpointFile(tmp_path, "study", TINY.replace(), digits, SETTING)
    assert same.load() is not None
    for name, config in [("other", TINY), ("study", TINY.replace(seed=1))]:
        assert CheckpointFile(tmp_path, name, config, digits, SETTING).load() is None


def test_one_of_an_earlier_version_has_the_same_name(tmp_path: Path, digits):
    """The name that version 0.1.0 gave before TrialConfig had ``convolution`` and ``ema``."""
    at = CheckpointFile(tmp_path, "study", TINY, digits, SETTING).path
    assert at == tmp_path / "study" / "ae9493a1f3961aa31d590d607402d885.npz"
    transform = TINY.replace(convolution="transform")
    assert CheckpointFile(tmp_path, "study", transform, digits, SETTING).path != at
    averaged = TINY.replace(ema=0.1)
    assert CheckpointFile(tmp_path, "study", averaged, digits, SETTING).path != at


def test_one_of_other_data_setting_or_version_is_refused(
    file: CheckpointFile, tmp_path: Path, digits, monkeypatch
):
    file.save(SNAPSHOT)
    other = dataclasses.replace(digits, fingerprint="ab" * 32)
    with pytest.raises(RecordError, match="for another dataset"):
        CheckpointFile(tmp_path, "study", TINY, other, SETTING).load()
    with pytest.raises(RecordError, match="for another setting"):
        CheckpointFile(tmp_path, "study", TINY, digits, {"milestones": [160]}).load()
    monkeypatch.setattr(checkpoint.keras, "__version__", "3.0.0")
    with pytest.raises(RecordError, match="for another versions"):
        CheckpointFile(tmp_path, "study", TINY, digits, SETTING).load()


def test_other_conditions_are_told_as_long_as_a_part_was_trained_under_them(tmp_path: Path, digits):
    def under(**threads: int) -> CheckpointFile:
        conditions = {"cpu": "some", "threads": threads}
        return CheckpointFile(tmp_path, "study", TINY, digits, SETTING, conditions)

    def resume(file: CheckpointFile) -> tuple[str, ...]:
        found = file.load()
        assert found is not None
        assert found.record == SNAPSHOT.record
        file.save(SNAPSHOT)
        return file.differences

    first = under(intra_op=2)
    assert first.differences == ()
    first.save(SNAPSHOT)
    assert resume(under(intra_op=2)) == ()
    assert resume(under(intra_op=1)) == ("threads",)
    assert resume(under(intra_op=1)) == ("threads",)  # its beginning was not trained under these
    assert resume(under(intra_op=2)) == ("threads",)
    last = under(intra_op=2)
    last.load()
    last.set_aside()
    assert last.differences == ()


def test_a_file_that_recorded_no_conditions_may_be_of_any(file: CheckpointFile, tmp_path, digits):
    """As versions before these were recorded wrote it."""
    file.save(SNAPSHOT)
    arrays, record = read_record_file(file.path)
    del record["conditions"]
    write_record_file(file.path, arrays, record)
    now = CheckpointFile(tmp_path, "study", TINY, digits, SETTING, {"cpu": "some"})
    assert now.load() is not None
    assert now.differences == ("cpu",)


def test_a_file_of_another_trial_under_its_name_is_refused(
    file: CheckpointFile, tmp_path: Path, digits
):
    other = CheckpointFile(tmp_path, "study", TINY.replace(seed=1), digits, SETTING)
    other.save(SNAPSHOT)
    other.path.rename(file.path)
    with pytest.raises(RecordError, match="for another config"):
        file.load()


@pytest.mark.parametrize("position", [0.02, 0.3, 0.5, 0.7, 0.98])
def test_a_damaged_byte_is_seen(file: CheckpointFile, position: float):
    file.save(SNAPSHOT)
    content = bytearray(file.path.read_bytes())
    place = int(position * len(content))
    content[place : place + 16] = bytes(value ^ 0xFF for value in content[place : place + 16])
    file.path.write_bytes(content)
    with pytest.raises(RecordError):
        file.load()


def test_a_value_that_was_changed_in_a_whole_file_is_seen(file: CheckpointFile):
    file.save(SNAPSHOT)
    with np.load(file.path, allow_pickle=False) as content:
        arrays = dict(content)
    arrays["a"][0, 0] += 1
    with file.path.open("wb") as target:
        np.savez(target, allow_pickle=False, **arrays)
    with pytest.raises(RecordError, match="checksum"):
        file.load()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_cut_file_is_seen_and_can_be_set_aside(file: CheckpointFile, share: float):
    file.save(SNAPSHOT)
    content = file.path.read_bytes()
    file.path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(RecordError):
        file.load()
    aside = file.set_aside()
    assert aside.exists()
    assert file.load() is None


def test_what_a_killed_writer_left_is_cleared_and_the_last_whole_one_is_used(file: CheckpointFile):
    file.save(SNAPSHOT)
    leftover = file.path.with_name(f"{file.path.name}.x1y2.tmp")
    leftover.write_bytes(b"half")
    found = file.load()
    assert found is not None
    assert found.record == SNAPSHOT.record
    assert not leftover.exists()


def test_a_write_that_fails_keeps_what_was_there(file: CheckpointFile, monkeypatch):
    file.save(SNAPSHOT)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.data.record_file.np.savez", full)
    with pytest.raises(OSError, match="No space"):
        file.save(Snapshot({}, {}))
    assert [path.name for path in file.path.parent.iterdir()] == [file.path.name]
    assert file.load() is not None


def test_saving_takes_at_most_a_hundredth_of_the_time():
    now = [0.0]
    schedule = Schedule(num_bytes=150_000_000, clock=lambda: now[0])  # a second, as guessed
    for moment, at_milestone, due in [(99.0, True, False), (100.0, True, True)]:
        now[0] = moment
        assert schedule.is_due(at_milestone=at_milestone) is due
    with schedule.timing():
        now[0] += 0.1  # from now on 0.1 s: due 10 s after the last, between milestones after 30 s
    for seconds, at_milestone, due in [
        (9.9, True, False),
        (10.1, True, True),
        (29.9, False, False),
        (30.1, False, True),
    ]:
        now[0] = 100.1 + seconds
        assert schedule.is_due(at_milestone=at_milestone) is due


def one_step_calls(monkeypatch):
    monkeypatch.setattr(loop, "MAX_CALL_SECONDS", 1e-9)
    monkeypatch.setattr(loop, "FIRST_CALL_STEPS", 1)


# Cut inside the first interval, at its end (the fourth step) and inside the second.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("cut_at", "changes"),
    [
        pytest.param(3, {"optimizer": "adam"}, id="adam"),
        pytest.param(4, {"optimizer": "lion", "augmentation": "classic"}, id="lion"),
        pytest.param(7, {"optimizer": "nadam", "dropout": 0.5}, id="nadam"),
        pytest.param(
            3,
            {"optimizer": "rmsprop", "precision": "bfloat16"},
            id="rmsprop",
        ),
        pytest.param(
            3,
            {"architecture": "mlp", **WHOLE_GAME},
            id="game",
        ),
        pytest.param(3, {"convolution": "transform"}, id="transform"),
        pytest.param(3, {"ema": 0.5}, id="averaged"),
        pytest.param(
            4,
            {"optimizer": "sgd", "latent_distribution": "uniform"},
            id="sgd",
        ),
    ],
)
def test_training_goes_on_bit_for_bit(cut_at, changes, digits, file, monkeypatch):
    config = TINY.replace(**changes)
    one_step_calls(monkeypatch)
    whole = Trainer(config, digits)
    saved = []
    reports = list(
        whole.run(MILESTONES, lambda *_: saved.append(None) or save_at(whole, cut_at, saved, file))
    )
    resumed = Trainer(config, digits)
    resumed.restore(file.load())
    assert resumed.images_seen == config.images_per_step * cut_at
    ahead = [milestone for milestone in MILESTONES if milestone >= resumed.images_seen]
    again = list(resumed.run(ahead))
    expected = reports[len(reports) - len(again) :]
    for before, after in zip(expected, again, strict=True):
        for name in loop.STEP_METRICS:
            assert before.metrics[name] == after.metrics[name]
    for one, other in zip(whole.variables, resumed.variables, strict=True):
        assert np.array_equal(one.numpy(), other.numpy()), one.path
    assert np.array_equal(whole.generate(20), resumed.generate(20))
    assert resumed.train_seconds > 0


def save_at(trainer, cut_at, calls, file):
    if len(calls) == cut_at:
        file.save(trainer.snapshot())


def test_a_snapshot_of_other_networks_changes_nothing(digits):
    trainer = Trainer(TINY, digits)
    before = trainer.generate(5)
    for other in (TINY.replace(width=0.125), TINY.replace(optimizer="sgd")):
        with pytest.raises(RecordError):
            trainer.restore(Trainer(other, digits).snapshot())
    assert np.array_equal(trainer.generate(5), before)
    assert trainer.images_seen == 0


def test_the_guess_of_its_size_is_its_size(digits):
    trainer = Trainer(TINY, digits)
    arrays = trainer.snapshot().arrays
    assert size_of(trainer.variables) == sum(array.nbytes for array in arrays.values())


def test_nothing_ahead_is_nothing_to_train(digits):
    assert list(Trainer(TINY, digits).run([])) == []
