"""Text of others stays text in Markdown."""

from __future__ import annotations

import pytest

from harness.core.errors import plain_markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fid_late is 3.5, n = 12", "fid_late is 3.5, n = 12"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("[here](http://x)", r"\[here\](http://x)"),
        ("**bold** _it_ `code` ~~no~~", r"\*\*bold\*\* \_it\_ \`code\` \~\~no\~\~"),
        ("a | b\n# c", r"a \| b # c"),
        (None, "None"),
    ],
)
def test_markup_is_escaped_and_lines_are_joined(text: object, shown: str):
    assert plain_markdown(text) == shown
