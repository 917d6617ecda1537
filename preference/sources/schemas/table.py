"""All schemas, in the order in which they are tried."""

from preference.sources.schemas import annotators, arena_release, chosen_rejected, prompts
from preference.sources.schemas.answers import KAGGLE, NAMED_WINNER

SCHEMAS = (
    KAGGLE,
    arena_release.SCHEMA,
    NAMED_WINNER,
    chosen_rejected.SCHEMA,
    annotators.SCHEMA,
)
# Last, because battles have a prompt, too.
SCHEMAS_WITH_PROMPTS = (*SCHEMAS, prompts.SCHEMA)
KNOWN_COLUMNS = frozenset().union(*(schema.columns for schema in SCHEMAS))
ID_COLUMNS = ("id", "question_id", "idx")
