"""Ids for battles whose source has none, or has ids that another source uses as well.

Guarantees
1. The same battle of the same source has the same id in every run, whatever else is read.
2. The id of an extra battle is negative; an id made from a release's text is not.

Ids are 63-bit hashes: among a million battles, the probability of a collision is below one in ten
million. The second of two battles with the same id is quarantined.
"""

from hashlib import blake2b


def number_text(text: str) -> int:
    """Hash a text that identifies a battle to an id: at least 0, below 2**63."""
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def number_extra_battle(source: str, battle_id: int) -> int:
    """Return a negative id for the battle that has `battle_id` in an extra source."""
    return -1 - number_text(f"{source}\n{battle_id}")
