"""Which parameters of training predict better: recipes compared on the same seeds."""
