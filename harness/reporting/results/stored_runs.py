"""Trial runs as a store holds them, and their check: a RunRecord, or the reason why there is none.

Whoever can write to a store can write anything: a database's columns take what its types allow,
those of SQLite any type at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from harness.core.config import FIELD_TYPES, parse_value
from harness.core.errors import InputError, shown
from harness.core.schema import Tag
from harness.reporting.results.tables import RESERVED, RunRecord, UnreadableRun, param_column

LARGEST = 1e50
"""No metric is larger than this: float32 ends at 3.4e38, and the fourth power is still finite."""

READ_TAGS = (
    Tag.KIND,
    Tag.TRIAL_NUMBER,
    Tag.OUTCOME,
    Tag.FAILURE,
    Tag.PRUNED_BY,
    Tag.ARM,
    Tag.RETRY_OF,
    Tag.REUSED_FROM,
    Tag.TRAINS,
)
_STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
_MOST_IMAGES = 10**15
_LATEST = 9_000_000_000_000  # milliseconds since 1970: the year 2255, which pandas can hold
_LONGEST_TEXT = 10_000  # characters; MLflow's own limit is 8,000


@dataclass(frozen=True)
class StoredRun:
    """A run as read: nothing is checked, neither values nor types.

    address: of its artifacts. points: metric -> (images_seen, timestamp, value), in any order.
    """

    run_id: str
    status: object
    started: object
    ended: object
    address: object
    tags: Mapping[str, object] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)
    points: Mapping[str, list[tuple[object, object, object]]] = field(default_factory=dict)


def readable_runs(
    stored: Iterable[StoredRun], unreadable: list[UnreadableRun]
) -> Iterator[RunRecord]:
    """The well-formed ones of the ``stored`` runs; the others are appended to ``unreadable``."""
    for run in stored:
        try:
            yield check_run(run)
        except InputError as error:
            run_id = run.run_id if is_run_id(run.run_id) else shown(run.run_id)
            unreadable.append(UnreadableRun(run_id, str(error)))


def check_run(stored: StoredRun) -> RunRecord:
    """The run, each of its entries checked; InputError naming the entry and its value otherwise."""
    if not is_run_id(stored.run_id):
        raise InputError(f"run_id is {shown(stored.run_id)}")
    number = stored.tags.get(Tag.TRIAL_NUMBER)
    if not isinstance(number, str) or not re.fullmatch(r"[0-9]{1,9}", number):
        raise InputError(f"trial_number is {shown(number)}")
    if stored.status not in _STATUSES:
        raise InputError(f"status is {shown(stored.status)}")
    started = _time("start_time", stored.started)
    return RunRecord(
        run_id=stored.run_id,
        number=int(number),
        status=str(stored.status),
        tags={name: _text(f"tag {name}", value) for name, value in stored.tags.items()},
        params={name: _param(name, stored.params[name]) for name in _fields(stored)},
        history={name: _points(name, points) for name, points in stored.points.items()},
        started=started,
        ended=None if stored.ended is None else _time("end_time", stored.ended),
    )


def is_run_id(value: object) -> TypeGuard[str]:
    """Whether ``value`` can be the id of a run."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value) is not None


def _fields(stored: StoredRun) -> list[str]:
    return [name for name in FIELD_TYPES if name in stored.params]


def _text(entry: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise InputError(f"{entry} is {shown(value)}")
    return value


def _param(name: str, value: object) -> str:
    """The text of a field's value, if the field can have that value."""
    text = _text(f"param {name}", value)
    try:
        parse_value(name, text)
    except InputError:
        raise InputError(f"param {name} is {shown(text)}") from None
    return text


def _time(entry: str, value: object) -> int:
    if not _is_whole(value, _LATEST):
        raise InputError(f"{entry} is {shown(value)}")
    return value


def _points(name: str, points: list[tuple[object, object, object]]) -> list[tuple[int, float]]:
    """(images_seen, value) in the order of images_seen, of equal ones as they were logged."""
    if name in RESERVED or name.startswith(param_column("")) or not name.isprintable():
        raise InputError(f"metric {shown(name)} has a name that no metric can have")
    checked = []
    for images_seen, timestamp, value in points:
        if not _is_whole(images_seen, _MOST_IMAGES):
            raise InputError(f"images_seen of metric {name} is {shown(images_seen)}")
        if not _is_whole(timestamp, _LATEST):
            raise InputError(f"timestamp of metric {name} is {shown(timestamp)}")
        if not isinstance(value, int | float) or not abs(value) <= LARGEST:  # NaN is not
            raise InputError(f"metric {name} is {shown(value)}")
        checked.append((images_seen, timestamp, float(value)))
    return [(images_seen, value) for images_seen, _, value in sorted(checked)]


def _is_whole(value: object, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
