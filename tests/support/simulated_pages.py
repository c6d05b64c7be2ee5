"""Pages of claims whose truth is known: how often their verdicts are wrong, what they cost.

``python -m tests.support.simulated_pages`` prints the tables of docs/verdicts.md. Many pages are
simulated at once, in numpy; a test decides some of them with the harness itself, too.

The tests are the 29 of the page of 2026-11-21 (reports/recorded/claims), with its effects and
spreads: normal numbers for the runs of a search (C8, C9, C14), two arms or one of numbers with the
same spread otherwise. Arms that several studies train share their runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.reporting.statistics.verdicts import ALPHA, LOOKS, RUNS_PER_SEED, share

SEEDS = np.array(LOOKS)
FORMER_ALPHA = 0.05
SHARES = np.array([share(look) for look in range(len(LOOKS))])

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
NOISE: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    # Mean 0, standard deviation 1; skewness 1.75.
    "skewed": lambda rng, shape: (rng.lognormal(0, 0.5, shape) - np.exp(0.125)) / 0.604,
    "heavy-tailed": lambda rng, shape: rng.standard_t(3, shape) / 3**0.5,
}


@dataclass(frozen=True)
class Recorded:
    """A test of the recorded page: effect and margin in its own unit; spread: the standard
    deviation of the paired differences, of a gain, or of a statistic of runs times sqrt(n)."""

    claim: str
    study: str
    better: str
    than: str
    effect: float
    spread: float
    margin: float | None
    decided: bool


RECORDED = (
    Recorded("C1", "c01_centering", "centered", "unit", 0.3876, 0.2426, 0.0953, False),
    Recorded("C2", "c02_slope", "0.2", "0", -0.05321, 0.2331, 0.0953, False),
    Recorded("C2", "c02_slope", "0.2", "0.4", 0.2566, 0.1928, 0.0953, False),
    Recorded("C3", "c03_tanh", "tanh", "linear", 0.2575, 0.1662, 0.0953, False),
    Recorded("C3", "c03_tanh", "sigmoid-unit", "tanh-unit", -0.222, 0.07147, 0.0953, False),
    Recorded("C4", "c04_pooling", "strided", "pooled", -0.0009016, 0.1002, 0.0953, False),
    Recorded("C5", "c05_global_pooling", "dense", "gap", 0.4457, 0.0605, 0.0953, True),
    Recorded("C6", "c06_batch_norm", "batch", "none", 0.4639, 0.9554, 0.0953, False),
    Recorded("C7", "c07_balance", "same", "faster-d", -0.0327, 0.001241, 0.02, True),
    Recorded("C7", "c07_balance", "same", "slower-d", -0.0849, 0.007587, 0.02, True),
    Recorded("C7", "c07_balance", "same", "faster-d", 0.7492, 0.1906, 0.0953, True),
    Recorded("C7", "c07_balance", "same", "slower-d", 0.408, 0.4135, 0.0953, False),
    Recorded("C8", "c14_importance", "", "", -0.4828, 1.001, None, False),
    Recorded("C8", "c14_importance", "", "", -0.05052, 1.052, None, False),
    Recorded("C9", "c14_importance", "", "", 0.156, 0.3249, None, False),
    Recorded("C9", "c14_importance", "", "", -0.3275, 0.504, None, True),
    Recorded("C10", "c10_convolutions", "tutorial", "mlp", 2.339, 0.09819, 0.0953, True),
    Recorded("C11", "c11_training_data", "", "", -0.01644, 0.008405, 0.005, False),
    Recorded("C12", "c12_details", "uniform", "base", -0.04661, 0.2195, 0.0953, False),
    Recorded("C12", "c12_details", "base", "no-dropout", -0.02258, 0.3696, 0.0953, False),
    Recorded("C12", "c12_details", "stacked", "alternating", -0.03519, 0.2238, 0.0953, False),
    Recorded("C12", "c12_details", "alternating", "base", 0.2168, 0.2976, 0.0953, False),
    Recorded("C13", "c13_augmentation", "classic", "none", -0.3683, 0.1982, 0.0953, True),
    Recorded("C14", "c14_importance", "", "", 0.5743, 2.374, None, False),
    Recorded("C14", "c14_importance", "", "", -0.01341, 1.256, None, False),
    Recorded("C15", "c15_scalers", "unit", "minmax", -0.0335, 0.1994, 0.0953, False),
    Recorded("C15", "c15_scalers", "unit", "maxabs", -0.0335, 0.1994, 0.0953, False),
    Recorded("C15", "c15_scalers_digits", "unit", "minmax", 0.1309, 0.137, 0.0953, False),
    Recorded("C15", "c15_scalers_digits", "unit", "maxabs", 0.07705, 0.1289, 0.0953, False),
)
_SAME = {
    "base": "c01:centered c02:0.2 c03:tanh c04:strided c05:dense c06:batch c07:same c10:tutorial "
    "c12:base c13:none",
    "unit": "c01:unit c03:sigmoid-unit c15_scalers_digits:unit",
    "scaled": "c15_scalers:minmax c15_scalers:maxabs",  # MNIST: both scalers do the same
}
"""The recorded page's arms that are one configuration, by the beginning of the study's name."""

MARGINS = np.array([np.inf if one.margin is None else one.margin for one in RECORDED])
EFFECTS = np.array([one.effect for one in RECORDED])
NO_ANSWER, INSIDE = 0, 2
"""Words of the simulation, beside 1 and -1 for an effect above and below 0."""


@dataclass(frozen=True)
class Pages:
    """Simulated pages: estimates, standard errors, degrees of freedom, (pages, tests, looks).

    draws: arm -> its runs' numbers, (pages, 40), before they are scaled and shifted.
    """

    estimates: np.ndarray
    errors: np.ndarray
    degrees: np.ndarray
    draws: dict[str, np.ndarray]

    @property
    def p_leaving(self) -> np.ndarray:
        """Two-sided p-values against an effect of 0."""
        return 2 * special.stdtr(self.degrees, -np.abs(self.estimates) / self.errors)

    @property
    def p_staying(self) -> np.ndarray:
        """p-values against an effect of the margin or more; 1 without a margin."""
        margins = np.where(np.isinf(MARGINS), -np.inf, MARGINS)[:, None]
        left = (margins - np.abs(self.estimates)) / self.errors
        return np.where(np.isinf(left), 1.0, special.stdtr(self.degrees, -left))


def arm_of(study: str, arm: str, shared: bool = True) -> str:
    """The name of the runs of an arm; the same for arms that are one configuration."""
    for name, arms in _SAME.items():
        for one in arms.split():
            start, _, other = one.partition(":")
            if shared and other == arm and study.startswith(start):
                return name
    return f"{study}:{arm}"


def simulate(
    seed: int,
    pages: int,
    truth: np.ndarray,
    noise: str,
    spread: float = 1.0,
    unequal: float = 1.0,
    paired: bool = False,
    correlation: float = 0.0,
) -> Pages:
    """Pages whose tests have the effects ``truth``.

    spread: times the recorded spreads of arms. unequal: the second arm's spread over the first's.
    paired: arms are compared seed by seed, as they were before. correlation: of the two arms of a
    test over seeds, which the rule takes to be 0.
    """
    rng = np.random.default_rng(seed)
    shape = (pages, len(RECORDED), len(LOOKS))
    estimates, errors, degrees = np.empty(shape), np.empty(shape), np.empty(shape)
    draws: dict[str, np.ndarray] = {}

    def drawn(arm: str) -> np.ndarray:
        if arm not in draws:
            draws[arm] = NOISE[noise](rng, (pages, LOOKS[-1]))
        return draws[arm]

    for k, test in enumerate(RECORDED):
        if test.better:
            better, than = (drawn(arm_of(test.study, arm)) for arm in (test.better, test.than))
            than = correlation * better + (1 - correlation**2) ** 0.5 * than
            than = unequal * than
            scale = test.spread * spread / (1 + unequal**2) ** 0.5
            compare = _paired if paired else _welch
            mean, error, df = compare(than, better)
        elif test.study == "c14_importance":
            runs = RUNS_PER_SEED * SEEDS
            steps = rng.normal(size=(pages, len(LOOKS))) * np.sqrt(np.diff(runs, prepend=0))
            mean, scale = np.cumsum(steps, axis=1) / runs, test.spread
            error, df = np.broadcast_to(1 / np.sqrt(runs), mean.shape), np.inf
        else:
            scale = test.spread
            mean, error, df = _paired(drawn("gain"), np.zeros((pages, LOOKS[-1])))
        estimates[:, k], errors[:, k], degrees[:, k] = truth[k] + scale * mean, scale * error, df
    return Pages(estimates, errors, np.where(np.isinf(degrees), 1e9, degrees), draws)


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the first n numbers, for each look's n: (pages, looks) each."""
    sums, squares = (np.cumsum(v, axis=1)[:, SEEDS - 1] for v in (values, values**2))
    means = sums / SEEDS
    return means, (squares - SEEDS * means**2) / (SEEDS - 1)


def _welch(than: np.ndarray, better: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    (first, one), (second, two) = _moments(than), _moments(better)
    one, two = one / SEEDS, two / SEEDS
    degrees = (one + two) ** 2 * (SEEDS - 1) / (one**2 + two**2)
    return first - second, np.sqrt(one + two), degrees


def _paired(than: np.ndarray, better: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, variance = _moments(than - better)
    return mean, np.sqrt(variance / SEEDS), np.broadcast_to(SEEDS - 1.0, mean.shape)


@dataclass(frozen=True)
class Outcome:
    """What a rule decided: the word of each test, (pages, tests), and the look that decided it."""

    words: np.ndarray
    decided_at: np.ndarray

    def wrong(self, truth: np.ndarray) -> np.ndarray:
        """Whether each verdict is wrong: a sign that is not the truth's, or a margin reached."""
        sign = (np.abs(self.words) == 1) & (self.words * truth <= 0)
        return sign | ((self.words == INSIDE) & (np.abs(truth) >= MARGINS - 1e-9))

    def runs(self, shared: bool = True) -> np.ndarray:
        """How many runs of arms each page took: an arm ends when no open test needs it."""
        last = SEEDS[np.where(self.words == NO_ANSWER, len(LOOKS) - 1, self.decided_at)]
        needed: dict[str, np.ndarray] = {}
        for k, test in enumerate(RECORDED):
            if test.study != "c14_importance":
                sides = [test.better, test.than] if test.better else [""]
                for arm in (arm_of(test.study, side, shared) for side in sides):
                    needed[arm] = np.maximum(needed.get(arm, 0), last[:, k])
        return np.sum(list(needed.values()), axis=0)


def single_step(pages: Pages, alpha: float = ALPHA) -> Outcome:
    """The harness's rule: each test has alpha over their number, looks spend it by their seeds."""
    level = alpha / len(RECORDED) * SHARES
    inside, leaving = pages.p_staying <= level, pages.p_leaving <= level
    decided = inside | leaving
    first = np.where(decided.any(axis=2), decided.argmax(axis=2), len(LOOKS))
    return _at(pages, first, inside)


def holm(pages: Pages, alpha: float) -> Outcome:
    """Holm's step-down over the page, of the smallest p so far over its look's share."""
    p = np.minimum.accumulate(np.minimum(pages.p_staying, pages.p_leaving) / SHARES, axis=2)
    first = np.full(p.shape[:2], len(LOOKS))
    for look in range(len(LOOKS)):
        first[_holm(p[:, :, look], alpha) & (first == len(LOOKS))] = look
    # The word is that of the look with the smallest p so far.
    best = np.minimum(first, len(LOOKS) - 1)
    ratio = np.minimum(pages.p_staying, pages.p_leaving) / SHARES
    own = np.where(np.arange(len(LOOKS)) <= best[:, :, None], ratio, np.inf).argmin(axis=2)
    found = _at(pages, own, pages.p_staying < pages.p_leaving)
    return Outcome(np.where(first == len(LOOKS), NO_ANSWER, found.words), first)


def former(pages: Pages, looks: np.ndarray) -> Outcome:
    """The rule before, at the look of index ``looks`` (tests,): two Holm families of half of 5 %.

    Where a test may look again, all of its looks up to there count, with nothing spent.
    """
    words = np.full(pages.estimates.shape[:2], NO_ANSWER)
    at = np.full(words.shape, len(LOOKS))
    everything = np.arange(len(RECORDED))
    for look in range(len(LOOKS)):
        if not (looks >= look).any():
            break
        now = np.minimum(looks, look)
        p_leaving, p_staying = (
            pages.p_leaving[:, everything, now],
            pages.p_staying[:, everything, now],
        )
        inside, leaving = _holm(p_staying, FORMER_ALPHA / 2), _holm(p_leaving, FORMER_ALPHA / 2)
        word = np.where(inside, INSIDE, np.sign(pages.estimates[:, everything, now]))
        new = (inside | leaving) & (words == NO_ANSWER)
        words, at = np.where(new, word, words), np.where(new, look, at)
    return Outcome(words, at)


def _at(pages: Pages, look: np.ndarray, inside: np.ndarray) -> Outcome:
    """The verdicts at a look for each test; beyond the last one there is none."""
    now = np.minimum(look, len(LOOKS) - 1)[:, :, None]
    estimate = np.take_along_axis(pages.estimates, now, axis=2)[:, :, 0]
    within = np.take_along_axis(inside, now, axis=2)[:, :, 0]
    words = np.where(within, INSIDE, np.sign(estimate))
    return Outcome(np.where(look == len(LOOKS), NO_ANSWER, words), look)


def _holm(p: np.ndarray, alpha: float) -> np.ndarray:
    """Whether Holm's step-down rejects each of the p-values, (pages, tests)."""
    order = np.argsort(p, axis=1)
    ordered = np.take_along_axis(p, order, axis=1)
    passed = np.cumprod(ordered <= alpha / np.arange(p.shape[1], 0, -1), axis=1).astype(bool)
    found = np.zeros_like(passed)
    np.put_along_axis(found, order, passed, axis=1)
    return found


def hard(seed: int) -> np.ndarray:
    """The truth that is hardest: every undecided test at 0 or just at its margin, at random."""
    rng = np.random.default_rng(seed)
    at_margin = rng.choice([-1.0, 0.0, 0.0, 1.0], len(RECORDED))
    edges = np.where(np.isinf(MARGINS), 0.0, at_margin * np.where(np.isinf(MARGINS), 0, MARGINS))
    return np.where([one.decided for one in RECORDED], EFFECTS, edges)


TRUTHS: dict[str, np.ndarray] = {
    "recorded": EFFECTS,
    "hard": hard(0),
    "hard, other draw": hard(1),
    "all at 0": np.zeros(len(RECORDED)),
    "all at the margin": np.where(np.isinf(MARGINS), 0.0, MARGINS),
}


def wrong_pages(outcome: Outcome, truth: np.ndarray) -> float:
    """The share of pages with a wrong verdict."""
    return float(outcome.wrong(truth).any(axis=1).mean())


RULES: dict[str, Callable[[Pages], Outcome]] = {
    f"single step, {ALPHA:.1%}": single_step,
    "single step, 5 %": lambda pages: single_step(pages, FORMER_ALPHA),
    "Holm, 4 %": lambda pages: holm(pages, 0.04),
    "Holm, 5 %": lambda pages: holm(pages, 0.05),
}
EVERY_LOOK = np.full(len(RECORDED), len(LOOKS) - 1)
ONCE = np.array([one.study[:3] in ("c01", "c06", "c11", "c12", "c13") for one in RECORDED]) * 1
"""The look with as many seeds as were recorded: eight in these studies, five in the others."""


def main() -> None:
    """Print both tables for the number of pages that the command line gives."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.simulated_pages")
    parser.add_argument("--pages", type=int, default=10_000)
    pages = parser.parse_args().pages
    print(f"{pages:,} pages for each line. Share of pages with a wrong verdict:\n")
    _print_row("noise", "spread", "truth", *RULES, "before, once", "before, at every look")
    _print_row(*["---"] * (5 + len(RULES)))
    for noise in NOISE:
        for spread, unequal in ((1.0, 1.0), (0.6, 1.0), (0.3, 1.0), (0.6, 2.0)):
            for name, truth in TRUTHS.items():
                made = simulate(1, pages, truth, noise, spread, unequal)
                found = [rule(made) for rule in RULES.values()]
                made = simulate(1, pages, truth, noise, spread, unequal, paired=True)
                found += [former(made, ONCE), former(made, EVERY_LOOK)]
                kind = f"{spread:g}" + (f", arms 1 to {unequal:g}" if unequal > 1 else "")
                shares = [f"{wrong_pages(outcome, truth):.1%}" for outcome in found]
                _print_row(noise, kind, name, *shares)
    print("\nArms that correlate over seeds, normal noise, spread 0.6, all at 0, single step:\n")
    correlations = (-0.6, -0.3, 0.0, 0.3, 0.6)
    _print_row("correlation", *(f"{one:g}" for one in correlations))
    _print_row(*["---"] * (1 + len(correlations)))
    truth = TRUTHS["all at 0"]
    pages_of = [simulate(1, pages, truth, "normal", 0.6, correlation=r) for r in correlations]
    wrong = [f"{wrong_pages(single_step(made), truth):.1%}" for made in pages_of]
    _print_row("wrong pages", *wrong)
    print("\nThe recorded effects taken as true, normal noise:\n")
    _print_row("rule", "spread", "decided of 29", "runs of arms, shared", "each study its own")
    _print_row(*["---"] * 5)
    for spread in (1.0, 0.6):
        made = simulate(1, pages, EFFECTS, "normal", spread)
        pairs = simulate(1, pages, EFFECTS, "normal", spread, paired=True)
        found_by = {"before, at every look": former(pairs, EVERY_LOOK)}
        found_by |= {name: rule(made) for name, rule in RULES.items()}
        once = (former(pairs, ONCE).words != NO_ANSWER).sum(axis=1).mean()
        _print_row("before, once", f"{spread:g}", f"{once:.1f}", "", "206")
        for name, outcome in found_by.items():
            decided = (outcome.words != NO_ANSWER).sum(axis=1).mean()
            runs = [f"{outcome.runs(shared).mean():.0f}" for shared in (True, False)]
            _print_row(name, f"{spread:g}", f"{decided:.1f}", *runs)


def _print_row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
