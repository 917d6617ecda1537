"""Bundles: a trained model as a folder or zip file, with everything that prediction needs."""
