"""A hub on this machine that answers what downloading a model asks of the Hugging Face Hub."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class LocalHub:
    """Repositories by name: folders with their files, or the status with which they are refused."""

    def __init__(self, repositories):
        self.repositories = repositories
        self.downloaded = []
        self.tokens = set()

    def answer(self, path):
        """Return status and content for the path of a request."""
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            parts = parts[2:]
        folder = self.repositories.get("/".join(parts[:2]), 404)
        if not isinstance(folder, Path):
            return folder, b""
        if len(parts) == 2:
            files = [describe(file, folder) for file in files_of(folder)]
            return 200, json.dumps({"id": "/".join(parts), "siblings": files}).encode()
        if parts[2] == "revision":
            return 200, json.dumps({"id": "/".join(parts[:2]), "sha": COMMIT}).encode()
        if parts[2] == "tree":
            return 200, json.dumps([describe(file, folder) for file in files_of(folder)]).encode()
        file = folder.joinpath(*parts[4:])
        return (200, file.read_bytes()) if file.is_file() else (404, b"")


def files_of(folder):
    return sorted(file for file in folder.rglob("*") if file.is_file())


def describe(file, folder):
    return {
        "type": "file",
        "path": file.relative_to(folder).as_posix(),
        "rfilename": file.relative_to(folder).as_posix(),
        "size": file.stat().st_size,
        "oid": hashlib.sha1(file.read_bytes()).hexdigest(),
    }


def handler_of(hub):
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.respond(with_body=False)

        def do_GET(self):
            self.respond(with_body=True)

        def respond(self, with_body):
            path = urlsplit(self.path).path
            if any(name in path for name in hub.repositories):
                hub.tokens.add(self.headers.get("Authorization"))
            status, content = hub.answer(path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", "application/json")
            self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            if status == 404 and "/resolve/" in path:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            if with_body:
                self.wfile.write(content)
                if "/resolve/" in path:
                    hub.downloaded.append(path.split("/resolve/")[1].split("/", 1)[1])

        def log_message(self, *_):
            pass

    return Handler


@contextmanager
def serving(repositories):
    """Yield a hub with these repositories, and its address."""
    hub = LocalHub(repositories)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(hub))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
