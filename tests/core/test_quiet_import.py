"""What is written to stderr while something is imported quietly."""

import os

import pytest

from harness.core.quiet_import import quiet_import


def chatter_and_raise(error):
    os.write(2, b"chatter")
    raise error


@pytest.mark.parametrize(("error", "shown"), [(ImportError, "chatter"), (KeyboardInterrupt, "")])
def test_chatter_is_shown_with_an_error_and_not_with_an_interruption(error, shown, capfd):
    with pytest.raises(error), quiet_import():
        chatter_and_raise(error)
    assert capfd.readouterr().err == shown
