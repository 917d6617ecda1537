"""Predict which of two chatbot answers a person prefers.

from preference import PreferenceJudge
"""

from preference.runtime.stop_signals import end_at_once_while_importing

__all__ = ["PreferenceJudge"]

end_at_once_while_importing()


def __getattr__(name: str) -> type:
    """Import the judge on first use, because TensorFlow takes seconds to import."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from preference.judge.judge import PreferenceJudge

    return PreferenceJudge
