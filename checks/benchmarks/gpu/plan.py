"""Plan the lines, the most important first, because time may end before the last one."""

from dataclasses import replace

from checks.benchmarks.gpu.task import COMPILED, Line, Scale

FULL = Scale(
    tokens_a_step=32_768,
    warm_up=3,
    steps=15,
    blocks=3,
    product_width=8192,
    copied_mib=2048,
    battles=4096,
)
TINY = Scale(
    tokens_a_step=128,
    warm_up=1,
    steps=2,
    blocks=2,
    product_width=64,
    copied_mib=1,
    battles=12,
)
PARTS = ("comparison", "profile", "variants")
# Sequences of random lengths have up to 12 widths, each of which is compiled.
LENGTHS_LIMIT_S = 320
# A shared processor may take long to compile.
TINY_LIMIT_S = 600


def plan_lines(parts: tuple[str, ...], scale: Scale) -> list[Line]:
    """Return the lines of some of `PARTS`; at the tiny scale, all have the tiny size."""
    plans = {"comparison": _comparison, "profile": _profile, "variants": _variants}
    lines = [line for part in PARTS if part in parts for line in plans[part]()]
    if scale == TINY:
        lines = [
            replace(line, size="tiny", seq_len=line.seq_len // 16, limit_s=TINY_LIMIT_S)
            for line in lines
        ]
    return list(dict.fromkeys(lines))


def battles_a_step(line: Line, scale: Scale) -> int:
    """Return the battles of a step, so that steps of every length have as many tokens."""
    return max(scale.tokens_a_step // (2 * line.seq_len), 1) * line.batch_factor


def _comparison() -> list[Line]:
    """Return the lines of the comparison; on an H100 each takes 40 s, most of it to compile."""
    return [
        Line("card"),
        *_systems("ours", "transformers", "disentangled-flash"),
        Line("same loss"),
        *_systems("ours", "transformers", "disentangled-flash", size="base"),
        *_systems("ours", "transformers", "disentangled-flash", seq_len=1024),
        Line("lengths", limit_s=LENGTHS_LIMIT_S),
        *_systems("ours", "transformers", "disentangled-flash", size="extra_small"),
        *_systems("stock", "flashdeberta", COMPILED),
        *_systems("stock", "flashdeberta", COMPILED, size="base"),
        *_systems("stock", "flashdeberta", COMPILED, seq_len=1024),
        *_systems("stock", "flashdeberta", COMPILED, size="extra_small"),
    ]


def _systems(*systems: str, size: str = "small", seq_len: int = 512) -> list[Line]:
    return [Line("steps", system, size, seq_len) for system in systems]


def _variants() -> list[Line]:
    """Return variants of our training, and `present` again, in case it is another day or GPU."""
    return [
        Line("steps"),
        Line("steps", deterministic=False),
        # cuDNN has no deterministic gradient of a bias.
        Line("steps", variant="dot_product_attention", deterministic=False),
        Line("steps", variant="without attention dropout", deterministic=False),
        Line("steps", variant="softmax_product"),
        Line("steps", variant="8-bit rbg dropout"),
        Line("steps", variant="8-bit dropout"),
        Line("steps", batch_factor=2),
        Line("steps", batch_factor=4),
    ]


def _profile() -> list[Line]:
    return [Line("profile")]
