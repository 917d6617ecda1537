"""How much the full benchmark and the quick one measure."""

from dataclasses import dataclass, replace

from checks.benchmarks.quality import VARIANTS


@dataclass(frozen=True)
class Settings:
    """Sizes of one benchmark.

    Args:
        command: that makes it.
        stem: of the files that it writes.
        layers, length_layers: of the backbone where systems are compared, and lengths. Of each
            size for the utilisation, at most `layers`.
        runs: of 8 battles of real length, of the 50 that a window has.
        repetitions: of each comparison; lengths and stages are measured once.
        lengths, utilisation_lengths: tokens a sequence.
        utilisation_sizes: of `SIZES`.
        tokens_a_step, steps: where lengths are compared, and for the utilisation. A step has the
            tokens of both sides, so that every length costs the same: one battle at 2,048.
        stage_rows: battles that `predict` and the stages before the training read.
        quality_rows, quality_seeds, quality_variants: battles, trainings of each variant, and which
            variants, where results are compared.
    """

    command: str
    stem: str
    layers: int
    length_layers: int
    runs: int
    repetitions: int
    lengths: tuple[int, ...]
    utilisation_lengths: tuple[int, ...]
    utilisation_sizes: tuple[str, ...]
    tokens_a_step: int
    steps: int
    stage_rows: tuple[int, ...]
    quality_rows: int
    quality_seeds: int
    quality_variants: tuple[str, ...]


FULL = Settings(
    command="make bench",
    stem="benchmarks",
    layers=12,
    length_layers=4,
    runs=4,
    repetitions=3,
    lengths=(128, 256, 512, 1024, 2048),
    utilisation_lengths=(512, 1024),
    utilisation_sizes=("extra_small", "small"),
    tokens_a_step=4096,
    steps=3,
    # 57,477 battles are the real set.
    stage_rows=(1_000, 10_000, 57_477, 100_000, 1_000_000),
    # The default's.
    quality_rows=8_000,
    quality_seeds=3,
    quality_variants=VARIANTS,
)
QUICK = Settings(
    command="make bench-quick",
    stem="benchmarks-quick",
    layers=2,
    length_layers=1,
    runs=2,
    repetitions=1,
    lengths=(128, 512),
    utilisation_lengths=(128,),
    utilisation_sizes=("extra_small",),
    tokens_a_step=4096,
    steps=3,
    stage_rows=(500, 1_000),
    quality_rows=500,
    quality_seeds=1,
    # One change that is exact, and one that is not.
    quality_variants=("ours", "stock backbone", "mixed_bfloat16"),
)


def for_gpu(settings: Settings) -> Settings:
    """Return settings that a GPU does not end before it can be timed."""
    return replace(settings, runs=50, tokens_a_step=32_768, steps=20)
