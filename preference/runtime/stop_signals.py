"""Stop a command cleanly on Ctrl-C, SIGTERM or a closed terminal.

Guarantees
1. Every open `with` block is left as after an exception, so that it cleans up. Then the process
   ends with status 128 + the number of the signal, and without a traceback.
2. If native code is running, or a library swallows the exception, the process still ends after
   `GRACE_SECONDS`, and calls what was registered with `always_after`.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 5.0
# Signals with other handlers are left alone: `nohup`, for instance, ignores SIGHUP.
DEFAULT_HANDLERS = (signal.SIG_DFL, signal.default_int_handler)

_clean_ups: list[Callable[[], object]] = []


@contextmanager
def always_after(clean_up: Callable[[], object]) -> Iterator[None]:
    """Call `clean_up` when the block ends, and also if a signal ends the process in the block."""
    _clean_ups.append(clean_up)
    try:
        yield
    finally:
        clean_up()
        _clean_ups.remove(clean_up)


def end_now(status: int) -> NoReturn:
    """Call what was registered with `always_after`, and end the process at once.

    `sys.exit` would also call what libraries have registered: JAX would wait for other processes,
    and TensorFlow for its threads.
    """
    for clean_up in reversed(_clean_ups):
        with suppress(Exception):
            clean_up()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """End the process, as the module's guarantees say, if one of `SIGNALS` arrives in the block."""
    received: list[int] = []
    handlers = {one: signal.getsignal(one) for one in SIGNALS}
    handlers = {one: handler for one, handler in handlers.items() if handler in DEFAULT_HANDLERS}

    def stop(number: int, _frame: object) -> NoReturn:
        received.append(number)
        # In a finalizer or a weak reference's callback, which TensorFlow has many of, Python
        # reports the exception of the last line with a traceback, and goes on.
        sys.unraisablehook = lambda _: None
        # A second Ctrl-C must not interrupt the clean-up.
        for one in handlers:
            signal.signal(one, signal.SIG_IGN)
        sys.exit(_status(number))

    with _deadline(stop):
        try:
            for one in handlers:
                signal.signal(one, stop)
            yield
        finally:
            # A library may have replaced SystemExit by another exception.
            if received:
                end_now(_status(received[0]))
            for one, handler in handlers.items():
                signal.signal(one, handler)


def end_at_once_while_importing() -> None:
    """Let Ctrl-C end `python -m package.module` silently while it imports its libraries.

    Imports take seconds, and nothing is written yet. Call this in the package's `__init__`.
    """
    # Python sets `sys.argv` to this until it has found the module.
    is_command = sys.argv[:1] == ["-m"]
    if is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def _deadline(stop: Callable[..., object]) -> Iterator[None]:
    """End the process if the block has not ended `GRACE_SECONDS` after a signal for `stop`.

    Python calls signal handlers in the main thread, between its own instructions, so native code
    delays them. It writes the number of the signal into the wake-up pipe at once.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    has_ended = threading.Event()

    def watch() -> None:
        with open(reader, "rb", buffering=0) as numbers:
            while number := numbers.read(1):
                is_ours = signal.getsignal(number[0]) in (stop, signal.SIG_IGN)
                if is_ours and not has_ended.wait(GRACE_SECONDS):
                    end_now(_status(number[0]))

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        has_ended.set()
        signal.set_wakeup_fd(before)
        os.close(writer)


def _status(number: int) -> int:
    """Return the exit status that shells give to a process that a signal ended."""
    return 128 + number
