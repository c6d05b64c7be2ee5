from tests.benchmarks import timing


def test_work_is_timed_in_turn_and_by_the_median(monkeypatch):
    # The warm-up takes 9 each; then 2 and 1, 6 and 3 in the other order, 7 and 4.
    ends = [9, 9, 6, 3, 2, 1, 4, 7]
    cpu = iter([reading for end in ends for reading in (0, end)])
    wall = iter([reading for end in ends for reading in (0, 10 * end)])
    monkeypatch.setattr(timing.time, "process_time", lambda: next(cpu))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(wall))
    order = []
    work = {name: lambda name=name: order.append(name) for name in ("one", "other")}
    found = timing.in_turn(work, rounds=3)
    assert order == ["one", "other", "other", "one"] * 2
    # one: 3, 2, 7; other: 6, 1, 4.
    assert found["one"] == [(30, 3), (20, 2), (70, 7)]
    assert timing.median(found["one"]) == (30, 3)
    assert timing.median(found["other"]) == (40, 4)
