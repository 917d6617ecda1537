"""Load a bundle: a trained model, or a blend of several, with everything that prediction needs."""

from pathlib import Path

import keras

from preference.bundle.archive import bundle_folder
from preference.bundle.blend_loading import BlendBundle, load_blend
from preference.bundle.blend_schema import BlendManifest
from preference.bundle.manifest import read_manifest
from preference.bundle.network import Bundle, load_checked_network
from preference.runtime.errors import BadInput


def load_bundle(path: Path) -> Bundle | BlendBundle:
    """Load a bundle, and check that its files are unchanged.

    Args:
        path: a folder or a zip file.

    Raises:
        BadInput: the bundle is missing or damaged, has a newer format or foreign classes, its parts
            do not belong together, or the Keras backend is not TensorFlow. The message says what
            to do.
    """
    if keras.backend.backend() != "tensorflow":
        raise BadInput("prediction needs TensorFlow: set KERAS_BACKEND=tensorflow.")
    try:
        with bundle_folder(path) as folder:
            manifest = read_manifest(folder)
            if isinstance(manifest, BlendManifest):
                return load_blend(folder, manifest)
            return load_checked_network(folder, manifest)
    except BadInput as error:
        raise BadInput(f"{path} cannot be used as a model: {error}.") from error
