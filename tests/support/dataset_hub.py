"""A server that has one file of one data set, and answers for it as the Hugging Face Hub does.

As the hub does, it sends a file's headers at the address of the repository, and from there to
another host for its content.
"""

import hashlib
import json
from urllib.parse import unquote, urlsplit

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


def hub_of_files(files, configs=(), revisions=("main",)):
    """Return a server with a data set of several files, which its API lists.

    Args:
        files: the content of each file by its path.
        configs: of the data set's card.
        revisions: names of the one commit that there is.
    """
    siblings = [{"rfilename": path, "size": len(content)} for path, content in files.items()]
    card = {"configs": list(configs)} if configs else {}
    listing = {"id": DATASET, "sha": REVISION, "siblings": siblings, "cardData": card}
    resolved = f"/datasets/{DATASET}/resolve/{REVISION}/"

    def respond(handler):
        path = unquote(urlsplit(handler.path).path)
        if handler.refuse():
            return None
        if path.startswith(resolved):
            content = files[path.removeprefix(resolved)]
            return handler.send_file(content, {"X-Repo-Commit": REVISION})
        known = [f"/api/datasets/{DATASET}/revision/{one}" for one in (*revisions, REVISION)]
        if path in known:
            return handler.send(200, json.dumps(listing).encode())
        of_dataset = path.startswith(f"/api/datasets/{DATASET}/")
        code = "RevisionNotFound" if of_dataset else "RepoNotFound"
        return handler.send(404, headers={"X-Error-Code": code, "X-Error-Message": code})

    return LocalServer(respond)
