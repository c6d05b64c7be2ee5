"""Documents say what is: links lead somewhere, studies are valid, every field is named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from harness.core.config import FIELD_TYPES
from harness.core.spec.study_spec import StudySpec
from tests.support.repository import REPOSITORY

DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def headings(path: Path) -> set[str]:
    """The anchors of a document: headings in lower case, words joined by hyphens."""
    found = re.findall(r"(?m)^#+ (.+)$", path.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for name, anchor in LINK.findall(path.read_text("utf-8")):
        target = path.parent / name if name else path
        assert target.exists(), f"{path.name}: {name}"
        if anchor:
            assert anchor in headings(target), f"{path.name}: {name}#{anchor}"


def test_the_readme_names_every_document() -> None:
    linked = {name for name, _ in LINK.findall((REPOSITORY / "README.md").read_text("utf-8"))}
    documents = {str(path.relative_to(REPOSITORY)) for path in DOCUMENTS} - {"README.md"}
    assert documents <= linked


@pytest.mark.parametrize("name", ["README.md", "docs/studies.md"])
def test_studies_in_documents_are_valid(name: str) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (REPOSITORY / name).read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        StudySpec.from_dict(tomllib.loads(block), name="shown")


def test_every_field_of_a_configuration_is_named() -> None:
    text = (REPOSITORY / "docs/studies.md").read_text("utf-8")
    assert [name for name in FIELD_TYPES if f"`{name}`" not in text] == []
