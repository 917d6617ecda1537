"""The file names of a saved model, for modules that copy the files without importing Keras."""

ARCHITECTURE, WEIGHTS = "model.json", "model.weights.h5"
# Only of a model whose head reads dense features.
NORMALIZATION = "features.json"
