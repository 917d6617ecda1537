"""A local hub with one file of simulated battles, whose connection can break."""

import csv
import hashlib
import io
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from preference.config.params import PARAMS_FILE
from preference.runtime.yaml_file import edit_yaml, write_yaml

PIN = "arena55k/pin.yaml"
REPOSITORY, REVISION, FILE = "someone/battles", "0123456789abcdef" * 2 + "01234567", "train.csv"
# huggingface_hub writes 10 MiB at a time, so that the connection must break after more than that.
CUT = 10 * 2**20 + 5
BATTLES, WORDS = 60, 20_000
WINNERS = ("winner_model_a", "winner_model_b", "winner_tie")


class Hub:
    """Sends the file or, where `breaks` is set, its beginning, and then answers that it is busy."""

    def __init__(self) -> None:
        self.content = _battles()
        self.breaks = False
        self.ranges: list[str | None] = []

    def pin(self) -> dict[str, str | int]:
        """Return the content of `arena55k/pin.yaml` for this file."""
        return {
            "repository": REPOSITORY,
            "revision": REVISION,
            "file": FILE,
            "size": len(self.content),
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "battles": BATTLES,
        }


@contextmanager
def downloading(workspace: Path) -> Iterator[Hub]:
    """Make a workspace read its battles from a hub that runs within the block."""
    hub = Hub()
    edit_yaml(workspace / PARAMS_FILE, {"data.source": "arena55k"})
    write_yaml(workspace / PIN, hub.pin())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(hub))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        del os.environ["HF_ENDPOINT"]
        server.shutdown()
        server.server_close()


def _handler_of(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            hub.ranges.append(asked)
            if hub.breaks and asked:
                self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
                return
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
            self.send_response(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)
            self.send_header("Content-Length", str(len(hub.content) - start))
            if asked:
                size = len(hub.content)
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            self.end_headers()
            self.wfile.write(hub.content[start : CUT if hub.breaks else None])

        def log_message(self, *_: object) -> None:
            """Print nothing, because a progress bar is shown."""

    return Handler


def _battles() -> bytes:
    text = io.StringIO()
    columns = ("id", "model_a", "model_b", "prompt", "response_a", "response_b", *WINNERS)
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    for number in range(BATTLES):
        answers = [json.dumps([f"{word} {number} " * WORDS]) for word in ("one", "other")]
        writer.writerow(
            {
                "id": number,
                "prompt": json.dumps([f"Question {number}?"]),
                "response_a": answers[0],
                "response_b": answers[1],
                **{winner: int(number % 3 == index) for index, winner in enumerate(WINNERS)},
            }
        )
    return text.getvalue().encode()
