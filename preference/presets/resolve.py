"""Presets: which names there are, where they are, and what to say of one that cannot be loaded.

Their files are read by `preference.models.pretrained`.
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
    """Check that a preset is one that this project trains from scratch, or can be looked for.

    Raises:
        BadInput: nothing has this name.
    """
    if preset in TRAINED_FROM_SCRATCH or "://" in preset or Path(preset, BACKBONE).is_file():
        return
    # Here, because its import takes seconds that no other name needs.
    import keras_nlp

    if preset not in keras_nlp.models.Backbone.presets:
        raise BadInput(
            f"params.yaml, model.preset: there is no preset {preset!r}. Use one of "
            f"{', '.join(TRAINED_FROM_SCRATCH)}, a keras-nlp name such as "
            "deberta_v3_extra_small_en, hf://organization/name, or the folder of a preset."
        )


@contextmanager
def loading_preset(preset: str) -> Iterator[str]:
    """Find a preset, and explain what goes wrong while it is loaded.

    Args:
        preset: a registered name, a `scheme://` handle, or the folder of a saved preset.

    Yields: the folder on this machine, where there is one, else what keras-hub takes: `preset`.

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
    # A damaged folder fails as KeyError, TypeError, tf.errors.InternalError or otherwise.
    except Exception as error:
        raise BadInput(
            f"params.yaml, model.preset: {preset!r} cannot be loaded: "
            f"{type(error).__name__}: {error}. "
            "Check the network, or name the folder of a preset saved on this machine."
        ) from error


def read_hugging_face_config(source: str) -> dict:
    """Return the `config.json` of a folder in Hugging Face format, and of all else {}.

    Raises:
        BadInput: the file cannot be read.
    """
    if "://" in source or not Path(source, BACKBONE).exists():
        return {}
    config = read_json(Path(source, BACKBONE))
    return config if "model_type" in config and "registered_name" not in config else {}
