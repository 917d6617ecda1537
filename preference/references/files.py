"""The files of each reference; this module imports nothing that only a fit needs."""

# The references whose mean, with fitted weights, is `stack`.
STACK, STACKED = "stack", ("tfidf", "features")
FEATURES = "features"


def main_file(name: str) -> str:
    """Return the name of the file that holds what was fitted."""
    return f"{name}.safetensors" if name == FEATURES else f"{name}.json"


def reference_files(name: str) -> tuple[str, ...]:
    """Return the names of all files that a reference needs."""
    parts = STACKED if name == STACK else ()
    return (main_file(name), *map(main_file, parts))
