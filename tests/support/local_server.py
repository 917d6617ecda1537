"""A web server for as long as a test runs, which remembers what it was asked and can fail."""

import os
import re
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic


@dataclass
class Refusal:
    """An answer other than the file."""

    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Request:
    """A request as the server saw it. `path` is the whole address where it came by a proxy."""

    method: str
    path: str
    headers: dict
    time: float


class LocalServer:
    """Answers as `respond` says.

    `refusals` are given one each, before anything else is. After each of `cuts`, which are numbers
    of bytes, the connection breaks in the middle of a file.
    """

    def __init__(self, respond):
        self.respond = respond
        self.seen, self.refusals, self.cuts = [], [], []

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"local": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def ranges(self):
        return [request.headers.get("range") for request in self.seen]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.local.seen.append(Request(self.command, self.path, headers, monotonic()))
        self.local.respond(self)

    do_HEAD = do_POST = do_GET

    def refuse(self):
        """Give the next refusal, if one is left."""
        if not self.local.refusals:
            return False
        refusal = self.local.refusals.pop(0)
        self.send(refusal.status, refusal.body, refusal.headers)
        return True

    def send(self, status, body=b"", headers=None):
        self._send_head(status, len(body), headers or {})
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_file(self, content, headers=None):
        """Send the content from where it is asked for, up to the next cut."""
        start = int(re.fullmatch(r"bytes=(\d+)-|", self.headers.get("Range", ""))[1] or 0)
        headers = {"Accept-Ranges": "bytes", **(headers or {})}
        if start >= len(content):
            return self.send(416, headers={"Content-Range": f"bytes */{len(content)}"})
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send_head(206 if start else 200, len(content) - start, headers)
        if not self.local.cuts:
            return self.wfile.write(content[start:])
        self.wfile.write(content[start : start + self.local.cuts.pop(0)])
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send_head(self, status, length, headers):
        self.send_response(status)
        for name, value in {"Content-Length": length, **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()

    def log_message(self, *_):
        """Say nothing: stderr is for pytest."""


def environment_without(*beginnings):
    """Return this process's environment without proxies, and without variables that begin so."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(beginnings) and not name.lower().endswith("_proxy")
    }


def free_port():
    """Return a port at which nobody answers."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]
