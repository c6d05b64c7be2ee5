"""Where the artifacts of a store's runs may be read from: the one rule, for all that read them.

The address of a run's artifacts is an entry of the store, and whoever can write to the store can
write any address. Followed without a check, it would send the user's MLflow token to any host, read
any folder into a page, or wait for a server that never answers.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import url2pathname

from sqlalchemy.engine import make_url

from harness.core.errors import InputError
from harness.core.secrets import mask
from harness.tracking.stores.layout import Layout, default_layout
from harness.tracking.stores.mlflow_server import is_server_uri

VARIABLE = "HARNESS_ARTIFACTS"
"""The environment variable with one more place: a folder, or an address such as s3://BUCKET/RUNS"""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,255}")
_SERVED_BELOW = "/api/2.0/mlflow-artifacts/artifacts"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_INDIRECT = ("runs", "models", "mlflow-artifacts")  # schemes that MLflow resolves to other places


@dataclass(frozen=True)
class ArtifactPlaces:
    """The places from which artifacts of one store may be read.

    server: the address of the MLflow server that passes artifacts on; None for a database.
    folders: absolute folders on this machine. root: the address of a remote folder that the user
    named; None without one. ``repr`` omits the addresses, which may hold passwords.
    """

    server: str | None = field(repr=False)
    folders: tuple[Path, ...]
    root: str | None = field(default=None, repr=False)

    @property
    def words(self) -> str:
        """The places, as the end of a sentence "is outside of ..."."""
        own = "the store's artifact folder" if self.server is None else "the MLflow server"
        return f"{own} and of {VARIABLE}"

    def allow(self, run_id: str, address: object) -> bool:
        """Whether the noted ``address`` of the run's artifacts lies in one of the places."""
        return bool(self._noted_folder(run_id, address) or self.remote_address(run_id, address))

    def local_folders(self, study_name: str, run_id: str, address: object) -> list[Path]:
        """The folders on this machine that may hold the run's artifacts, the noted one first.

        The others are found by run id, so that a folder that was moved is still read. They need
        not exist. None for a run id or the name of a study that is no name of a folder.
        """
        if not _is_run_id(run_id) or study_name == ".." or Path(study_name).name != study_name:
            return []
        noted = self._noted_folder(run_id, address)
        below = [folder / study_name / run_id / "artifacts" for folder in self.folders]
        return list(dict.fromkeys([*([noted] if noted else []), *below]))

    def remote_address(self, run_id: str, address: object) -> str | None:
        """``address`` without its last slash, if it lies on the server or below ``root``."""
        parts = _split(address)
        if parts is None or not _ends_in_run(parts.path, run_id):
            return None
        if self._is_served(parts) or (self.root is not None and _is_below(parts, self.root)):
            return parts.geturl().rstrip("/")
        return None

    def is_inside(self, path: Path) -> bool:
        """Whether the real ``path``, with all symbolic links followed, is below one of the folders.

        OSError if it does not exist.
        """
        real = path.resolve(strict=True)
        return any(real.is_relative_to(folder.resolve()) for folder in self.folders)

    def _noted_folder(self, run_id: str, address: object) -> Path | None:
        """The noted ``address`` as a folder, if it is the run's own below one of the folders."""
        path = _local_path(address)
        if path is None or path.parts[-2:] != (run_id, "artifacts") or not _is_run_id(run_id):
            return None
        roots = {root for folder in self.folders for root in (folder, folder.resolve())}
        return path if any(path.is_relative_to(root) for root in roots) else None

    def _is_served(self, parts: SplitResult) -> bool:
        """Whether the MLflow server that the user named passes on what is at this address."""
        if self.server is None:
            return False
        server = urlsplit(self.server)
        if parts.scheme == "mlflow-artifacts":
            return not parts.netloc or parts.netloc == server.netloc.rpartition("@")[2]
        prefix = f"{server.path.rstrip('/')}{_SERVED_BELOW}/"
        same = "@" not in parts.netloc and _origin(parts) == _origin(server)
        return same and parts.path.startswith(prefix)


def artifact_places(tracking_uri: str, layout: Layout | None = None) -> ArtifactPlaces:
    """The places of the artifacts of the store at ``tracking_uri``.

    With an MLflow server, that server. With a database, the folder ``artifacts`` of ``layout`` (by
    default below HARNESS_MLRUNS or ``mlruns/``) and, for a SQLite file, the one beside the file.
    In both cases also what HARNESS_ARTIFACTS names; InputError if that is no place.
    """
    folder, root = _named_place()
    folders = [folder] if folder else []
    if is_server_uri(tracking_uri):
        return ArtifactPlaces(tracking_uri, tuple(folders), root)
    folders.append((layout or default_layout()).artifact_root)
    if tracking_uri.startswith("sqlite"):
        database = Path(make_url(tracking_uri).database or "").absolute()
        folders.insert(0, Layout(database.parent).artifact_root)
    return ArtifactPlaces(None, tuple(dict.fromkeys(folders)), root)


def _named_place() -> tuple[Path | None, str | None]:
    """What HARNESS_ARTIFACTS names: a folder of this machine, or the address of a remote one."""
    named = os.environ.get(VARIABLE) or None
    if named is None:
        return None, None
    folder = _local_path(named)
    if folder is not None:
        return folder, None
    parts = _split(named)
    if parts is None or not parts.netloc or parts.scheme in _INDIRECT:
        raise InputError(
            f"{VARIABLE}: {mask(named)!r} is no place for artifacts; allowed: an absolute folder, "
            "file:///FOLDER, or an address such as s3://BUCKET/FOLDER"
        )
    return None, named


def _is_run_id(run_id: object) -> bool:
    return isinstance(run_id, str) and _RUN_ID.fullmatch(run_id) is not None


def _ends_in_run(path: str, run_id: str) -> bool:
    """Whether ``path`` is the folder that MLflow makes for a run: .../RUN-ID/artifacts."""
    return _is_run_id(run_id) and path.rstrip("/").endswith(f"/{run_id}/artifacts")


def _local_path(address: object) -> Path | None:
    """The absolute folder of this machine at ``address``; None for anything else."""
    if isinstance(address, str) and address.startswith("/"):
        return Path(address) if _is_plain(address) else None
    parts = _split(address)
    if parts is None or parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = Path(url2pathname(parts.path))
    return path if path.is_absolute() else None


def _split(address: object) -> SplitResult | None:
    """The parts of an address with a scheme and a plain path; None for anything else."""
    if not isinstance(address, str):
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port  # ValueError for what is no number
    except ValueError:
        return None
    plain = not parts.query and not parts.fragment and _is_plain(parts.path)
    return parts if parts.scheme and plain and address.isprintable() else None


def _is_plain(path: str) -> bool:
    """Whether no part of ``path`` leads elsewhere, however often it is decoded."""
    for _ in range(4):
        if "\\" in path or not path.isprintable() or {".", ".."} & set(path.split("/")):
            return False
        path, before = unquote(path), path
        if path == before:
            return True
    return False


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _is_below(parts: SplitResult, root: str) -> bool:
    """Whether the address lies below the address ``root``."""
    named = urlsplit(root)
    same = (parts.scheme, parts.netloc) == (named.scheme, named.netloc)
    return same and parts.path.startswith(f"{named.path.rstrip('/')}/")
