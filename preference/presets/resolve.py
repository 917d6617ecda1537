"""Presets: which names exist, where their files are, and errors that name the parameter.

The files are read by `preference.models.pretrained` and `preference.tokenizers`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preference.presets.hub import SCHEME, download_preset
from preference.presets.own_presets import TRAINED_FROM_SCRATCH
from preference.runtime.errors import BadInput
from preference.runtime.foreign_files import read_json

BACKBONE = "config.json"


def check_preset(preset: str) -> None:
    """Check the name of a preset. Only loading it shows whether an address leads to one.

    Raises:
        BadInput: no preset has this name.
    """
    if preset in TRAINED_FROM_SCRATCH or "://" in preset or Path(preset, BACKBONE).is_file():
        return
    # Imported here, because it takes seconds and the other names do not need it.
    import keras_nlp

    if preset not in keras_nlp.models.Backbone.presets:
        raise BadInput(
            f"params.yaml, model.preset: there is no preset {preset!r}. Use one of "
            f"{', '.join(TRAINED_FROM_SCRATCH)}, a keras-nlp name such as "
            "deberta_v3_extra_small_en, hf://organization/name, or the folder of a preset."
        )


@contextmanager
def loading_preset(preset: str) -> Iterator[str]:
    """Find a preset, and name the parameter in errors of its files while it is loaded.

    Only `BadInput` and errors of the operating system are caught: any other exception is a fault
    of the code, and is raised as it is.

    Args:
        preset: a registered name, a `scheme://` handle, or the folder of a saved preset.

    Yields:
        The folder on this machine, where there is one, else what keras-hub takes: `preset`.

    Raises:
        BadInput: there is no such preset, it is damaged, or it cannot be downloaded.
    """
    check_preset(preset)
    try:
        yield str(download_preset(preset)) if preset.startswith(SCHEME) else preset
    except BadInput as error:
        raise BadInput(
            f"params.yaml, model.preset: {preset!r} cannot be loaded: {error}"
        ) from error
    except OSError as error:
        raise BadInput(
            f"params.yaml, model.preset: {preset!r} cannot be loaded: {error}. Check the disk, or "
            "name the folder of another preset on this machine."
        ) from error


def read_hugging_face_config(source: str) -> dict:
    """Return the `config.json` of a folder in Hugging Face format, and {} for any other source.

    Raises:
        BadInput: the file cannot be read.
    """
    if "://" in source or not Path(source, BACKBONE).exists():
        return {}
    config = read_json(Path(source, BACKBONE))
    if "model_type" not in config or "registered_name" in config:
        return {}
    if not isinstance(config["model_type"], str):
        raise BadInput(f"{BACKBONE} has a model_type that is not a text. Download it again")
    return config
