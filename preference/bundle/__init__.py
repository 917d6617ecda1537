"""A trained model as a folder or zip file that a user takes along."""
