"""A server that has one file of one data set, and answers for it as the Hugging Face Hub does.

As the hub does, it sends a file's headers at the address of the repository, and from there to
another host for its content.
"""

import hashlib

from local_server import LocalServer

from preference.runtime.yaml_file import write_yaml

DATASET, REVISION = "someone/battles", "0123456789abcdef0123456789abcdef01234567"
PATH = f"/datasets/{DATASET}/resolve/{REVISION}/train.csv"
CONTENT_PATH = "/content/train.csv"


def hub(content):
    """Return a server with one file, which sends to another host, itself by another name."""

    def respond(handler):
        if handler.path == CONTENT_PATH:
            return handler.send_file(content)
        if handler.path != PATH:
            return handler.send(404, headers={"X-Error-Code": "RepoNotFound"})
        if handler.refuse():
            return None
        headers = {
            "Location": f"http://localhost:{handler.local.port}{CONTENT_PATH}",
            "X-Repo-Commit": REVISION,
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": len(content),
        }
        return handler.send(302, headers=headers)

    return LocalServer(respond)


def write_pin(code, content, battles, **changes):
    """Let the code in a folder read this file."""
    digest = hashlib.sha256(content).hexdigest()
    pin = {"repository": DATASET, "revision": REVISION, "file": "train.csv"}
    pin |= {"size": len(content), "sha256": digest, "battles": battles, **changes}
    write_yaml(code / "arena55k" / "pin.yaml", pin)
