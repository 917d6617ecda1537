"""Where the repository is, and the real rows beside it."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
REAL_ROWS = REPOSITORY.parent / "shared" / "data" / "arena_head1000.csv.gz"
