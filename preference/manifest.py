"""`bundle.json`: what a bundle is, and the hash of each of its other files.

A bundle is a folder that `stages.train` writes, or the same files in a zip. The hashes tell damage,
such as a download cut short. They cannot tell who wrote the files: `preference.safe_loading` keeps
a file of another origin from running code.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from preference.battles import LABELS
from preference.errors import BadInput
from preference.group_bootstrap import Estimate
from preference.packing import Packing
from preference.parameter_types import Count, Share, checked
from preference.saved_model import ARCHITECTURE, WEIGHTS
from preference.saved_tokenizer import SETTINGS
from preference.training_calibration import Calibration

MANIFEST, CARD, TOKENIZER = "bundle.json", "README.md", "tokenizer"
FORMAT = 1
NEEDED = {ARCHITECTURE, WEIGHTS, CARD, f"{TOKENIZER}/{SETTINGS}"}


def _check_inside(name: str) -> str:
    """Check that a file's name, joined to a folder, stays in it on every system."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name or set(name) & set("\\:\0"):
        raise ValueError(f"{name!r} is not the name of a file inside the bundle")
    return name


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(min_length=1), AfterValidator(_check_inside)]


@checked
class FiguresOnTest:
    """What `evaluate` found on the test battles: means over `trainings`, this one among them."""

    battles: Count
    groups: Count
    trainings: Count
    both_orders: bool
    metrics: Mapping[str, Estimate]


@checked
class Manifest:
    """Everything that is known of a trained model.

    `tokens` names the folder of its tokenizer's tokens below data/tokens/. `prior` is the share of
    each label in train. `training` is what its stage reports. `data` are hashes of what it read.
    """

    format: int
    name: str
    seed: int
    labels: list[str]
    simulated: bool
    packing: Packing
    tokens: str
    prior: Annotated[list[Share], Field(min_length=len(LABELS), max_length=len(LABELS))]
    calibration: Calibration
    training: Mapping[str, int | float]
    parameters: Mapping[str, Mapping[str, Any]]
    data: Mapping[str, Sha256]
    versions: Mapping[str, str]
    files: Mapping[FileName, Sha256]
    test: FiguresOnTest | None

    def __post_init__(self) -> None:
        if self.labels != list(LABELS):
            raise ValueError(f"its labels are {self.labels}, not {list(LABELS)}")


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write `bundle.json`."""
    (folder / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")


def manifest_text(manifest: Manifest) -> str:
    """Return the content of `bundle.json`."""
    return json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Read `bundle.json` of a folder.

    Raises:
        BadInput: the folder is no bundle, or one of a newer format, or the file is damaged.
    """
    if not (folder / MANIFEST).is_file():
        raise BadInput(f"it has no {MANIFEST}. Give a folder such as models/exp2, or a packed one")
    return parse_manifest((folder / MANIFEST).read_bytes())


def parse_manifest(content: bytes) -> Manifest:
    """Read the content of `bundle.json`.

    Raises:
        BadInput: it is of a newer format, or damaged.
    """
    try:
        values = json.loads(content)
        version = values["format"]
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise BadInput(f"{MANIFEST} is damaged ({error}). Copy or train the model again") from error
    if version != FORMAT:
        raise BadInput(
            f"it has format {version!r}, and this code reads format {FORMAT}. "
            "Use the code that wrote it, or a newer one"
        )
    try:
        manifest = TypeAdapter(Manifest).validate_json(content)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise BadInput(f"{MANIFEST} is damaged ({key}: {problem['msg']}). Copy it again") from error
    if missing := NEEDED - set(manifest.files):
        raise BadInput(f"{MANIFEST} does not name {', '.join(sorted(missing))}. Copy it again")
    return manifest


def weights_hash(folder: Path) -> str:
    """Return the sha256 of a bundle's weights, by which two trainings differ.

    Raises:
        BadInput: the folder is no bundle.
    """
    return read_manifest(folder).files[WEIGHTS]


def check_files(folder: Path, manifest: Manifest) -> None:
    """Check that every file is there, as it was written.

    Raises:
        BadInput: one is missing, or another.
    """
    for name, expected in manifest.files.items():
        if not (folder / name).is_file():
            raise BadInput(f"{name} is missing. Copy or train the model again")
        if hash_file(folder / name) != expected:
            raise BadInput(f"{name} is not the file that was saved. Copy or train the model again")


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
