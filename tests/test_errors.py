import pytest

from preference.errors import BadInput, exit_on_bad_input


def test_what_a_message_quotes_from_a_file_cannot_command_the_terminal():
    quoted = "\x1b]0;title\x07\x1b[2J \u202e\n\n\tsecond line" + "x" * 10_000
    with pytest.raises(SystemExit) as stopped, exit_on_bad_input():
        raise BadInput(f"a.csv: {quoted}")
    message = stopped.value.code
    assert message.startswith("error: a.csv: ") and "second line" in message
    assert message.isprintable()
    assert len(message) < 3000


def test_every_other_error_is_let_through():
    with pytest.raises(KeyError), exit_on_bad_input():
        raise KeyError("ours")
