"""How every plot looks, on light and on dark paper. Nothing else in the project sets rcParams.

Plots name colours by role (``C0`` to ``C6`` below), so a colour depends on what is shown, never
on the order of calls, and the same drawing code serves both variants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
import seaborn  # noqa: F401  it registers the colour map "crest"
from cycler import cycler
from matplotlib.artist import Artist
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

OUTCOME_COLOR = {
    "complete": "C0",
    "pruned": "C2",
    "failed": "C3",
    "interrupted": "C4",
    "running": "C5",
}
BEST_COLOR = "C1"
MUTED_COLOR = "C6"


def rank_palette() -> str:
    """The colours of ranks in [0, 1], 1 the best, for the variant that is being drawn."""
    return str(mpl.rcParams["image.cmap"])


VARIANTS = ("light", "dark")

# Roles in order: complete, best, pruned, failed, interrupted, running, muted. Lightness and marker
# shape differ besides the hue, for readers who tell hues apart badly.
_CYCLE = {
    "light": ("#2f6690", "#d1600a", "#8a7f6d", "#b3261e", "#9925d0", "#2a8078", "#6b6b66"),
    "dark": ("#7fb3d9", "#ff9f45", "#b3a78f", "#ff7b70", "#ae2fda", "#6cc7bd", "#9c9c95"),
}
_RANKS = {"light": "crest", "dark": "crest_r"}  # the best stands out from its paper
_INK = {"light": "#24241f", "dark": "#e4e3dc"}
_GRID = {"light": "#e3e1d8", "dark": "#34352f"}
_EDGE = {"light": "#b5b2a6", "dark": "#5c5c54"}

_COMMON: dict[str, Any] = {
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.edgecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.labelsize": 9.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.handlelength": 1.3,
    "legend.handletextpad": 0.4,
    "legend.columnspacing": 1.4,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.solid_capstyle": "round",
    "text.parse_math": False,  # names from a store are text, a $ in them too
    "svg.fonttype": "none",  # text stays text: small files, the page's own typeface
    "svg.hashsalt": "gan-harness",  # the same runs give the same bytes
}


def darkened(svg: str) -> str:
    """An SVG that was drawn on light paper as it looks on dark paper, without drawing it again.

    Every colour of the light theme becomes the one of the same role; other colours stay.
    """
    exchanged = _dark_of_light()
    return re.sub(r"#[0-9a-f]{6}", lambda match: exchanged.get(match[0], match[0]), svg)


def darken(figure: Figure) -> None:
    """Give a figure that was drawn on light paper the colours of dark paper.

    As ``darkened`` does with an SVG; saved in the dark theme, which has the roles that artists
    keep by name, the figure looks as if it had been drawn there.
    """
    for artist in figure.findobj():
        for part in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
            if hasattr(artist, f"get_{part}") and not _follows(artist, part):
                color = getattr(artist, f"get_{part}")()
                getattr(artist, f"set_{part}")(_exchanged(color))


def _follows(artist: Artist, part: str) -> bool:
    """Whether ``color`` is but another name of the parts, as it is of patches' and collections'."""
    return part == "color" and not isinstance(artist, Line2D | Text)


def _exchanged(color: Any) -> Any:
    """A colour, or an array of them (n, 4), in the dark theme; "none" for a transparent one.

    A role stays a name. An artist's own alpha would make an edge without any colour black.
    """
    if isinstance(color, str) and not color.startswith("#"):
        return color
    if np.ndim(color) == 2:
        return [_exchanged(row) for row in color]
    red, green, blue, alpha = to_rgba(color)
    return _dark((red, green, blue, alpha)) if alpha else "none"


def _dark(color: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    found = _dark_of_light().get(to_hex(color))
    return color if found is None else to_rgba(found, color[3])


@cache
def _dark_of_light() -> dict[str, str]:
    """Colour on light paper -> on dark paper, of roles, ranks, text, grid and edges."""
    ranks = {
        variant: [to_hex(color) for color in mpl.colormaps[name](range(256))]
        for variant, name in _RANKS.items()
    }
    found = dict(zip(ranks["light"], ranks["dark"], strict=True))
    found |= dict(zip(_CYCLE["light"], _CYCLE["dark"], strict=True))
    return found | {part["light"]: part["dark"] for part in (_INK, _GRID, _EDGE)}


@contextmanager
def theme(variant: str) -> Iterator[None]:
    """Figures made in the block have the ``variant``, one of VARIANTS; rcParams return after it."""
    ink, edge = _INK[variant], _EDGE[variant]
    look: Any = _COMMON | {
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": edge,
        "xtick.color": edge,
        "ytick.color": edge,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "grid.color": _GRID[variant],
        "axes.prop_cycle": cycler(color=_CYCLE[variant]),
        "image.cmap": _RANKS[variant],
    }
    with mpl.rc_context(look):
        yield
