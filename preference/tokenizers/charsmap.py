"""Check the table by which a tokenizer of SentencePiece replaces characters.

A table can give one character a text of any length, so that a short text would fill the memory.
"""

from sentencepiece import sentencepiece_model_pb2

from preference.runtime.errors import BadInput

# In bytes. The longest one in Unicode's table (NFKC) has 33.
LONGEST_REPLACEMENT = 64
SIZE_BYTES = 4


def check_charsmap(charsmap: bytes, file: str) -> None:
    """Check that no character is replaced by a long text.

    Args:
        charsmap: the size of a trie, the trie, and the texts that it refers to. Each text ends
            with a zero byte.
        file: the name of its file, for the message.

    Raises:
        BadInput: one of the texts is longer than `LONGEST_REPLACEMENT`.
    """
    texts = charsmap[SIZE_BYTES + int.from_bytes(charsmap[:SIZE_BYTES], "little") :].split(b"\0")
    longest = max(len(text) for text in texts)
    if longest > LONGEST_REPLACEMENT:
        raise BadInput(
            f"{file} replaces a character by a text of {longest} bytes, and {LONGEST_REPLACEMENT} "
            "are allowed. Use another model."
        )


def check_sentence_piece(proto: bytes, file: str) -> None:
    """Check a model of SentencePiece in the same way.

    Raises:
        BadInput: as `check_charsmap` does.
        google.protobuf.message.DecodeError: the file is damaged.
    """
    # The module makes its classes when it is imported.
    kind = sentencepiece_model_pb2.ModelProto  # type: ignore[attr-defined]
    model = kind.FromString(proto)
    check_charsmap(model.normalizer_spec.precompiled_charsmap, file)
