"""The artifacts of a study's runs, from the places where they belong and from nowhere else."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from harness.core import schema
from harness.reporting.results.json_object import NotRead, finite, parse_object
from harness.tracking.stores.artifact_places import ArtifactPlaces
from harness.tracking.stores.mlflow_server import limited_requests

MOST_BYTES = 16_000_000
"""The largest artifact that a report reads. A generator, which no report reads, may be larger."""

MOST_GENERATOR_BYTES = 1_000_000_000


NOT_RECORDED = "not recorded"


class Source(NamedTuple):
    """The run that holds the artifacts of a run: its study, its id, the address that it noted."""

    study: str
    run_id: str
    address: object


NO_SOURCES: Mapping[str, Source] = MappingProxyType({})


class StudyArtifacts:
    """The artifacts of a study and its trials; ``gaps`` names those of the study not read.

    A run's artifacts are at its noted address, if that lies in one of the ``places``, or in the
    folder of the run's id below them. addresses: run id -> the noted address. sources: run id of a
    trial that another run has trained -> that run.
    """

    def __init__(
        self,
        tracking_uri: str,
        places: ArtifactPlaces,
        study_name: str,
        study_run_id: str,
        addresses: Mapping[str, object],
        sources: Mapping[str, Source] = NO_SOURCES,
    ) -> None:
        self._uri = tracking_uri
        self._places = places
        self._study_name = study_name
        self._study_run_id = study_run_id
        self._addresses = addresses
        self._sources = sources
        self.gaps: list[str] = []

    def json(self, path: str) -> dict[str, Any]:
        """The JSON object at ``path`` of the study's run; empty, and a gap, if there is none."""
        try:
            return parse_object(self._read(self._study_run_id, path))
        except NotRead as reason:
            self.gaps.append(f"{path} ({reason})")
            return {}

    def numbers(self, path: str) -> dict[str, dict[str, float]]:
        """The tables of numbers at ``path``, {name: {name: number}}; empty without the file."""
        try:
            tables = parse_object(self._read(self._study_run_id, path)).items()
        except NotRead as reason:
            if str(reason) != NOT_RECORDED:
                self.gaps.append(f"{path} ({reason})")
            return {}
        return {name: finite(table) for name, table in tables if isinstance(table, dict)}

    def generator(self, run_id: str) -> tuple[bytes, dict[str, Any]]:
        """The run's generator, the bytes of a ``.keras`` file, and its record, empty without one.

        Raises NotRead for a run that has kept no generator, or one that cannot be read.
        """
        content = self._read(run_id, schema.GENERATOR_FILE, MOST_GENERATOR_BYTES)
        try:
            return content, parse_object(self._read(run_id, schema.GENERATOR_RECORD_FILE))
        except NotRead as reason:
            if str(reason) != NOT_RECORDED:
                raise
            return content, {}

    def refused(self) -> list[str]:
        """The runs of trials that noted an address elsewhere and have no folder by their id."""
        return [
            run_id
            for run_id in self._addresses
            if run_id != self._study_run_id
            and (source := self._source(run_id)).address
            and not self._places.allow(source.run_id, source.address)
            and not any(folder.is_dir() for folder in self._folders(run_id))
        ]

    def real(self) -> bytes | None:
        """The grid of real images, PNG bytes; None if it cannot be read."""
        return self.image(self._study_run_id, schema.REAL_SAMPLES_FILE)

    def last(self, run_id: str, images_seen: int | None = None) -> bytes | None:
        """The run's last grid of generated images, after at most ``images_seen`` images."""
        limit = 10**9 - 1 if images_seen is None else images_seen
        there = [step for step in self.steps(run_id) if step <= limit]
        return self.image(run_id, schema.sample_path(there[-1])) if there else None

    def steps(self, run_id: str) -> list[int]:
        """After how many images the run's grids of generated images were drawn, ascending."""
        try:
            names = self._names(run_id, schema.SAMPLES_FOLDER)
        except NotRead:
            return []
        return sorted(int(name[:9]) for name in names if re.match(_GRID, name))

    def image(self, run_id: str, path: str) -> bytes | None:
        """The image at ``path`` of a run, PNG bytes; None if it cannot be read."""
        try:
            return self._read(run_id, path)
        except NotRead:
            return None

    def record(self, run_id: str, path: str) -> dict[str, Any]:
        """The JSON object at ``path`` of a trial's run; empty if there is none to be read."""
        try:
            return parse_object(self._read(run_id, path))
        except NotRead:
            return {}

    def _source(self, run_id: str) -> Source:
        own = Source(self._study_name, run_id, self._addresses.get(run_id))
        return self._sources.get(run_id, own)

    def _folders(self, run_id: str) -> list[Path]:
        return self._places.local_folders(*self._source(run_id))

    def _remote(self, run_id: str) -> str | None:
        _, holder, address = self._source(run_id)
        return self._places.remote_address(holder, address)

    def _read(self, run_id: str, path: str, most: int = MOST_BYTES) -> bytes:
        """The content of one artifact of at most ``most`` bytes; NotRead with the reason else."""
        for folder in self._folders(run_id):
            content = _read_file(self._places, folder / path, most)
            if content is not None:
                return content
        if remote := self._remote(run_id):
            return _download(self._uri, remote, path, most)
        raise NotRead(self._absence(run_id))

    def _names(self, run_id: str, folder: str) -> list[str]:
        """The names of the files in a folder of the run's artifacts."""
        for place in self._folders(run_id):
            try:
                if self._places.is_inside(place / folder):
                    return os.listdir(place / folder)
            except (OSError, ValueError):
                continue
        if remote := self._remote(run_id):
            return list(_listing(self._uri, f"{remote}/{folder}"))
        return []

    def _absence(self, run_id: str) -> str:
        _, holder, address = self._source(run_id)
        found = any(folder.is_dir() for folder in self._folders(run_id))
        if found or not address or self._places.allow(holder, address):
            return NOT_RECORDED
        return f"not read: its address is outside of {self._places.words}"


_GRID = re.compile(r"\d{9}\.png\Z", re.ASCII)


def _read_file(places: ArtifactPlaces, path: Path, most: int) -> bytes | None:
    """The content of a file below one of the folders; None if there is none.

    Neither links that lead outside nor pipes and devices are opened.
    """
    try:
        if not places.is_inside(path):
            return None
        real = path.resolve(strict=True)
        file = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(file, "rb") as opened:
            state = os.fstat(file)
            if not stat.S_ISREG(state.st_mode):
                return None
            if state.st_size > most:
                raise NotRead(f"not read: larger than {most:,} bytes")
            return opened.read(most)
    except (OSError, ValueError, RuntimeError):  # ValueError: NUL; RuntimeError: a loop of links
        return None


def _download(tracking_uri: str, address: str, path: str, most: int) -> bytes:
    """The content of the artifact ``path`` below the checked ``address``."""
    above, _, name = f"{address}/{path}".rpartition("/")
    files = _listing(tracking_uri, above)
    if name not in files:
        raise NotRead(NOT_RECORDED)
    if (files[name] or 0) > most:
        raise NotRead(f"not read: larger than {most:,} bytes")
    with tempfile.TemporaryDirectory() as folder, limited_requests():
        try:
            uri = f"{above}/{name}"
            clients = _clients()
            local = clients.download_artifacts(uri, dst_path=folder, tracking_uri=tracking_uri)
            return Path(local).read_bytes()
        except Exception as error:  # each client of a kind of store has its own errors
            raise NotRead(_failure(error)) from None


def _listing(tracking_uri: str, address: str) -> dict[str, int | None]:
    """Name -> size in bytes, if known, of the files in the folder at the checked ``address``."""
    with limited_requests():
        try:
            files = _clients().list_artifacts(address, tracking_uri=tracking_uri)
            return {file.path.rpartition("/")[2]: file.file_size for file in files}
        except Exception as error:  # each client of a kind of store has its own errors
            raise NotRead(_failure(error)) from None


def _clients() -> Any:
    """MLflow's functions for artifacts anywhere, which neither report to MLflow nor draw bars."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    from mlflow import artifacts

    return artifacts


def _failure(error: Exception) -> str:
    """Why a remote artifact was not read, without the error's text, which may quote secrets."""
    if isinstance(error, ImportError) and error.name:
        return f"not read: the package {error.name} is not installed"
    return f"not read: {type(error).__name__}"
