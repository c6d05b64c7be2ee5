"""``python -m tests.benchmarks``: all benchmarks, a table each."""

from __future__ import annotations

import argparse

from harness.core.quiet_import import quiet_import

with quiet_import():
    from tests.benchmarks import convolution, metrics, systems, training


def main() -> None:
    """Run every benchmark at the size that the command line gives."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--images", type=int, default=12_800, help="training images per round")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many rounds counts")
    parser.add_argument("--width", type=float, default=0.25, help="channel multiplier")
    parser.add_argument("--samples", type=int, default=5_000, help="real and generated images")
    parser.add_argument("--dimension", type=int, default=64, help="features of an image")
    arguments = parser.parse_args()
    training.main(arguments.images, arguments.rounds, arguments.width)
    systems.main(arguments.images, arguments.rounds, arguments.width)
    convolution.main()
    metrics.main([str(arguments.samples), str(arguments.samples), str(arguments.dimension)])


if __name__ == "__main__":
    main()
