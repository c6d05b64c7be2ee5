"""Real and generated features that the checks are made of: pairs of known distributions.

The settings are those of Räisä et al. 2025, appendix, and of the authors' code: 1,000 rows a side,
in 1, 8 and 64 dimensions, with fewer points along each curve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
Draw = Callable[[np.random.Generator, float], Rows]

N = 1_000
DIMENSIONS = (1, 8, 64)
MODES = 10


@dataclass(frozen=True)
class Variant:
    """One curve of a check: real and generated rows at each of ``points``.

    real, fake: (rng, point) -> (N, d). fixed: whether the real rows are the same at all points.
    modes: means of the modes of the real distribution, (K, d), where it has any: the classes.
    """

    name: str
    points: tuple[float, ...]
    real: Draw
    fake: Draw
    fixed: bool = True
    modes: Rows | None = None


def mean_difference(outlier: str = "") -> list[Variant]:
    """Two Gaussians of unit variance whose means move apart; ``outlier``: real or fake, has one."""
    found = []
    for d, most in zip(DIMENSIONS, (6.0, 3.0, 1.0), strict=True):
        points = tuple(np.linspace(-most, most, 9))

        def real(rng: np.random.Generator, _: float, d: int = d, far: float = most) -> Rows:
            return _with(rng.normal(size=(N, d)), far, outlier == "real")

        def fake(rng: np.random.Generator, mean: float, d: int = d, far: float = most) -> Rows:
            return _with(rng.normal(mean, 1.0, (N, d)), far, outlier == "fake")

        found.append(Variant(f"d = {d}", points, real, fake))
    return found


def spread_difference() -> list[Variant]:
    """Two Gaussians with one mean, whose standard deviations differ by the factor of the point."""
    return [
        Variant(
            f"d = {d}",
            tuple(np.logspace(-most, most, 9)),
            partial(_gaussian, d=d),
            partial(_scaled_gaussian, d=d),
        )
        for d, most in zip(DIMENSIONS, (3.0, 1.0, 0.5), strict=True)
    ]


def modes_dropped_at_once() -> list[Variant]:
    """Ten modes, of which nine lose the share of the point to the first."""
    return [_mixture(d, tuple(np.linspace(0, 1, 8)), _all_but_one) for d in DIMENSIONS]


def modes_dropped_one_by_one() -> list[Variant]:
    """Ten modes, of which the last ones are missing, as many as the point says."""
    return [_mixture(d, tuple(map(float, range(MODES))), _without_last) for d in DIMENSIONS]


def modes_invented() -> list[Variant]:
    """Five real modes in the plane; the fakes have the first ones, then five that do not exist."""
    angles = np.arange(MODES) * 2.4  # the golden angle, so that no two of them are close
    means = 6.0 * np.sqrt(1 + np.arange(MODES))[:, None] * np.c_[np.cos(angles), np.sin(angles)]
    five = means[:5]
    return [
        Variant(
            "d = 2",
            tuple(map(float, range(1, MODES + 1))),
            lambda rng, _: _of_modes(rng, five, np.full(5, 0.2), 0.25),
            lambda rng, k: _of_modes(rng, means[: int(k)], np.full(int(k), 1 / k), 0.25),
            modes=five,
        )
    ]


def one_mode_for_two() -> list[Variant]:
    """Two modes whose distance is the point; the fakes have one of the same mean and variance."""

    def real(rng: np.random.Generator, gap: float, d: int) -> Rows:
        sides = rng.choice([-0.5, 0.5], size=(N, 1)) * gap
        return np.asarray(rng.normal(size=(N, d)) + sides)

    def fake(rng: np.random.Generator, gap: float, d: int) -> Rows:
        return rng.normal(0.0, np.sqrt(1 + gap**2), (N, d))

    return [
        Variant(
            f"d = {d}",
            tuple(np.linspace(0, 5, 7)),
            partial(real, d=d),
            partial(fake, d=d),
            fixed=False,
        )
        for d in DIMENSIONS
    ]


def sphere_surfaces() -> list[Variant]:
    """Points on two concentric spheres; the point is the radius of the fakes', 1 the real one's."""
    return [
        Variant(
            f"d = {d}",
            (0.1, 0.4, 0.7, 0.9, 1.0, 1.1, 1.3, 1.6, 1.9),
            partial(_unit_sphere, d=d),
            partial(_on_sphere, d=d),
        )
        for d in (2, 16, 128)
    ]


def overlapping_cubes(both: bool) -> list[Variant]:
    """Two cubes that share a fifth of their volume; the point is the number of rows."""
    sizes = (100.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0)

    def real(rng: np.random.Generator, size: float, d: int) -> Rows:
        return rng.uniform(size=(int(size) if both else N, d))

    def fake(rng: np.random.Generator, size: float, d: int) -> Rows:
        return np.asarray(rng.uniform(size=(int(size), d)) + 1 - 0.2 ** (1 / d))

    return [
        Variant(
            f"d = {d}",
            sizes,
            partial(real, d=d),
            partial(fake, d=d),
            fixed=not both,
        )
        for d in DIMENSIONS
    ]


def ball_and_torus() -> list[Variant]:
    """A ball in the hole of a torus: disjoint. The point is the number of generated rows."""
    sizes = (100.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0)
    return [
        Variant("real ball", sizes, lambda rng, _: _ball(rng, N), lambda r, n: _torus(r, int(n))),
        Variant("real torus", sizes, lambda rng, _: _torus(rng, N), lambda r, n: _ball(r, int(n))),
    ]


def scaled_axis() -> list[Variant]:
    """Two Gaussians far apart on one axis; the other one, on which they agree, is scaled."""

    def rows(rng: np.random.Generator, scale: float, shift: float) -> Rows:
        return np.asarray(rng.normal(size=(N, 2)) * [1.0, scale] + [shift, 0.0])

    return [
        Variant(
            "d = 2",
            tuple(np.logspace(-3, 3, 7)),
            lambda rng, scale: rows(rng, scale, 0.0),
            lambda rng, scale: rows(rng, scale, 6.0),
            fixed=False,
        )
    ]


def heavy_tail() -> list[Variant]:
    """``mean_difference`` on one axis beside another with a Pareto tail, on which both agree."""

    def rows(rng: np.random.Generator, mean: float) -> Rows:
        return np.column_stack([rng.normal(mean, 1.0, N), 1.0 + rng.pareto(1.01, N)])

    points = tuple(np.linspace(-6, 6, 9))
    return [Variant("d = 2", points, lambda rng, _: rows(rng, 0.0), rows)]


def one_axis_apart() -> list[Variant]:
    """Far apart on one axis, equal on as many others as the point says."""

    def rows(rng: np.random.Generator, others: float, shift: float) -> Rows:
        x = rng.normal(size=(N, int(others) + 1))
        x[:, 0] += shift
        return x

    return [
        Variant(
            "d = 1 + point",
            (1.0, 3.0, 10.0, 30.0, 100.0, 300.0),
            lambda rng, others: rows(rng, others, 0.0),
            lambda rng, others: rows(rng, others, 6.0),
            fixed=False,
        )
    ]


def rounded_numbers() -> list[Variant]:
    """Numbers of one Gaussian, of which one side's are rounded; the point is their spread."""

    def rows(rng: np.random.Generator, spread: float, whole: bool) -> Rows:
        x = spread * rng.normal(size=(N, 1))
        return np.asarray(np.round(x)) if whole else x

    points = tuple(np.logspace(0, 3, 7))
    return [
        Variant(
            f"rounded {'real' if real else 'generated'} numbers",
            points,
            partial(rows, whole=real),
            partial(rows, whole=not real),
            fixed=False,
        )
        for real in (True, False)
    ]


def _with(x: Rows, far: float, outlier: bool) -> Rows:
    return np.vstack([x, np.full((1, x.shape[1]), far)]) if outlier else x


def _mixture(
    d: int, points: tuple[float, ...], shares: Callable[[float], NDArray[np.float64]]
) -> Variant:
    means = np.repeat(np.linspace(0, 10, MODES)[:, None], d, axis=1)
    width = {1: 1 / 6, 8: 1 / 3, 64: 1.0}[d]
    return Variant(
        f"d = {d}",
        points,
        lambda rng, _: _of_modes(rng, means, np.full(MODES, 1 / MODES), width),
        lambda rng, point: _of_modes(rng, means, shares(point), width),
        modes=means,
    )


def _all_but_one(lost: float) -> NDArray[np.float64]:
    shares = np.array([1.0, *[1.0 - lost] * (MODES - 1)])
    return np.asarray(shares / shares.sum())


def _without_last(lost: float) -> NDArray[np.float64]:
    kept = np.arange(MODES) < MODES - lost
    return np.asarray(kept / kept.sum())


def _of_modes(
    rng: np.random.Generator, means: Rows, shares: NDArray[np.float64], width: float
) -> Rows:
    chosen = rng.choice(len(means), N, p=shares)
    return np.asarray(means[chosen] + width * rng.normal(size=(N, means.shape[1])))


def _gaussian(rng: np.random.Generator, _: float, d: int) -> Rows:
    return rng.normal(size=(N, d))


def _scaled_gaussian(rng: np.random.Generator, factor: float, d: int) -> Rows:
    return rng.normal(0.0, factor, (N, d))


def _on_sphere(rng: np.random.Generator, radius: float, d: int) -> Rows:
    x = rng.normal(size=(N, d))
    return np.asarray(radius * x / np.linalg.norm(x, axis=1, keepdims=True))


def _unit_sphere(rng: np.random.Generator, _: float, d: int) -> Rows:
    return _on_sphere(rng, 1.0, d)


def _ball(rng: np.random.Generator, size: int, d: int = 3, radius: float = 0.8) -> Rows:
    x = rng.normal(size=(size, d))
    radii = radius * rng.uniform(size=(size, 1)) ** (1 / d)
    return np.asarray(radii * x / np.linalg.norm(x, axis=1, keepdims=True))


def _torus(rng: np.random.Generator, size: int) -> Rows:
    """Points in a ring of radius 1 and thickness 0.1 around the third axis, (size, 3)."""
    tube = _ball(rng, size, 2, 0.1)
    angle = rng.uniform(0, 2 * np.pi, size)
    across = 1.0 + tube[:, 0]
    return np.column_stack([across * np.cos(angle), across * np.sin(angle), tube[:, 1]])
