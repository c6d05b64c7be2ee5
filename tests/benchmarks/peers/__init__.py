"""Training loops as other people write them, each in one file, without anything of this project.

Every file has ``make(images, width, batch_size) -> Peer`` for the networks of TensorFlow's DCGAN
tutorial, their channels times ``width``, on images (N, 28, 28, 1), uint8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Peer(NamedTuple):
    """A loop that is ready: ``train(steps)`` takes so many steps on both ``networks``."""

    train: Callable[[int], object]
    networks: tuple[Any, Any]
