"""Vectors and terms: the parts of a search."""

import logging
import os
import subprocess
import sys

import numpy as np
import pytest

from agent.errors import InputError
from agent.retrieval.embed import DIMENSIONS, embed
from agent.retrieval.search import Lexical, terms, word_count


def test_vectors_are_unit_rows_and_do_not_depend_on_the_batch() -> None:
    texts = ["It stores chats in a database.", "Runs in a container", "x", "データ", "\u00ad", "\x00"]
    rows = embed(texts)
    assert rows.shape == (len(texts), DIMENSIONS)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    assert all(np.array_equal(embed([text])[0], row) for text, row in zip(texts, rows, strict=True))
    assert embed([]).shape == (0, DIMENSIONS)


@pytest.mark.parametrize("blank", ["", " \n\t", "\u00a0"])
def test_a_blank_text_has_no_vector(blank: str) -> None:
    with pytest.raises(InputError, match="text 1"):
        embed(["words", blank])


def test_meaning_is_nearer_than_chance() -> None:
    rows = embed(["conversations are kept in a database", "chat history is stored", "runs in a Docker container"])
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


def test_terms_are_cut_and_stemmed() -> None:
    assert " ".join(terms("The agent's tools: readFile, delete_records")) == "agent s tool read fil delet record"
    assert terms("storing stored stores store") == ("stor",) * 4
    assert terms("access process") == ("access", "process")
    assert terms("It does not run") == ("not", "run")
    assert terms("café データ 30") == ("café", "デ", "ー", "タ", "30")
    assert terms("!? \u200b") == ()
    assert word_count("the a of 3") == 4


def test_bm25_finds_terms_and_survives_an_empty_vocabulary() -> None:
    lexical = Lexical([terms(text) for text in ("keeps audit logs", "sends mail", "logs logs and errors")])
    scores = lexical.scores("Which logging is kept in logs?")
    assert scores.shape == (3,)
    assert scores[0] > 0 < scores[2]
    assert scores[1] == 0
    for empty in (Lexical([]), Lexical([(), ()])):
        assert not empty.scores("logs").any()
    assert not lexical.scores("the of").any()
    assert not lexical.scores("zebra").any()


QUIET = """
import os, logging
from agent.retrieval.embed import embed
from agent.retrieval.search import Lexical
logging.getLogger().setLevel(logging.WARNING)
embed(["words"]); Lexical([("a",)])
print(os.environ["LANGSMITH_TRACING_V2"], logging.getLogger().handlers, logging.getLogger("bm25s").level)
from langsmith.utils import tracing_is_enabled
print(tracing_is_enabled())
"""


def test_libraries_stay_silent_and_tracing_off_whatever_the_shell_says() -> None:
    environment = {**os.environ, "LANGCHAIN_TRACING_V2": "true", "LANGSMITH_TRACING_V2": "true"}  # noqa: TID251
    done = subprocess.run([sys.executable, "-c", QUIET], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"false [] {logging.WARNING}", "False"]
    assert done.stderr == ""
