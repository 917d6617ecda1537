"""The files of a saved model, by name; reading or writing them needs Keras, copying does not."""

ARCHITECTURE, WEIGHTS = "model.json", "model.weights.h5"
