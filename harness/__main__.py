"""``gan-harness COMMAND ...``, which is ``python -m harness COMMAND ...``."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from typing import NoReturn

from harness.cli.app import WRONG_INPUT, open_door
from harness.core.errors import guess, shown

COMMANDS = {
    "study": "run or resume a study: search, train, score, track and report",
    "trial": "train, score and track one configuration",
    "report": "write the report of a study again",
    "ui": "browse every run in the MLflow UI",
    "generate": "images from the generator of a study's winner",
    "export": "the winner's generator in a folder, to be given away",
    "doctor": "what works on this machine and what does not",
}


def main() -> NoReturn:
    """Run the command that the first argument names; each has its own --help."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in COMMANDS:
        command = getattr(importlib.import_module(f"harness.{name}"), name)
        open_door(command, rest)
    if name in ("--help", "-h"):
        print("gan-harness COMMAND [OPTIONS]        (or python -m harness.COMMAND [OPTIONS])\n")
        for known, words in COMMANDS.items():
            print(f"  {known:9} {words}")
        print("\n  --list    the studies that can be run\n  --version")
    elif name == "--version":
        print(f"gan-harness {importlib.metadata.version('gan-harness')}")
    elif name == "--list":
        open_door(list_studies, [])
    else:
        known = ", ".join(COMMANDS)
        text = f"error: no command {shown(name)}; allowed: {known}{guess(name, COMMANDS)}"
        print(text, file=sys.stderr)
        sys.exit(WRONG_INPUT)
    sys.exit(0)


def list_studies() -> None:
    """Print the name and the question of every study file."""
    from harness.core.spec.lookup import declared_study, known_studies

    names = known_studies()
    width = max(map(len, names), default=0)
    for name in names:
        print(f"{name:{width}}  {declared_study(name).question}")


if __name__ == "__main__":
    main()
