"""Independent random streams from one seed, by name."""

from __future__ import annotations

import hashlib


def derive_seed(seed: int, *names: str | int) -> int:
    """A seed in [0, 2**31) for the stream ``names`` of ``seed``; the same on every machine.

    Streams of different names are unrelated, so that adding a consumer of randomness does not
    shift the numbers that the others draw.
    """
    text = "/".join(str(part) for part in (seed, *names))
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
