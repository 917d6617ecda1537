"""The file names of a saved model, for modules that copy the files without importing Keras."""

ARCHITECTURE, WEIGHTS = "model.json", "model.weights.h5"
