"""One module a DVC stage: read the parameters, call the library, write the outputs."""
