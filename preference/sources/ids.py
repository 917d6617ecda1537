"""Ids for battles whose source does not number them, or numbers them as another source does.

Guarantees
1. The same battle of the same source has the same id in every run, whatever else is read.
2. An extra battle's id is negative; a release's own id becomes one that is not.

Ids are hashes of 63 bits: among a million battles, the chance that two have the same one is below
one in ten million. The second of the two would go to the quarantine.
"""

from hashlib import blake2b


def number_text(text: str) -> int:
    """Return an id for a text that identifies a battle: at least 0, below 2**63."""
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def number_extra_battle(source: str, battle_id: int) -> int:
    """Return an id for the battle that has `battle_id` in an extra source: below 0."""
    return -1 - number_text(f"{source}\n{battle_id}")
