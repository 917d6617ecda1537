"""Keys of battles: 64-bit integers, which take little memory, made from ids of any kind.

Guarantees
1. The same battle of the same source has the same key in every run, whatever else is read.
2. A 64-bit integer is its own key, and the key of any other id is a hash of its text.
3. A battle without an id has a hash of its content as its key, whatever file it is read from.
4. The key of an extra battle is negative; a key made from text is not.

Hashes have 63 bits: among a million battles, the probability of a collision is below one in ten
million. The second of two battles with the same key is quarantined.
"""

from collections.abc import Iterable
from hashlib import blake2b

DIGEST_BYTES = 8
# A character that separates texts, so that ["a", "b"] and ["ab"] have different hashes.
SEPARATOR = "\x1f"


def key_of_id(given: int | str) -> int:
    """Return the key of a battle with the id `given`."""
    if isinstance(given, int) and -(2**63) <= given < 2**63:
        return given
    return number_text(str(given))


def number_text(text: str) -> int:
    """Hash a text that identifies a battle to a key: at least 0, below 2**63."""
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).digest()
    return int.from_bytes(digest, "big") >> 1


def number_content(fields: Iterable[Iterable[str]]) -> int:
    """Hash the turns of a battle's fields to a key."""
    return number_text("\n\x1e".join(map(SEPARATOR.join, fields)))


def number_repetition(key: int, repetition: int) -> int:
    """Return the key of the battle that repeats the content of another for the nth time."""
    return number_text(f"{key}\n{repetition}")


def number_extra_battle(source: str, key: int) -> int:
    """Return a negative key for the battle that has `key` in an extra source."""
    return -1 - number_text(f"{source}\n{key}")
