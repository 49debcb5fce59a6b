"""Drafts with a fake LLM behind the port, through the same pipeline as with a real one."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Final

from agent.assist.run import Assistant
from agent.drafting.calibration import load_calibration
from agent.llm.budget import Budget, Caps
from agent.llm.port import Llm
from agent.llm.tokens import by_bytes
from agent.pipeline import DraftResult, draft_reading, read_documents
from agent.records import Document, Draft
from agent.report.draft_json import dump
from agent.report.markdown import render
from tests.fakes import paired

DELIMITER: Final = "f3a91c07be2d4456"
_TOKENS: Final = 1_000_000
"""More than any of these drafts uses: a limit would end the draft before the harm is done."""


def assistant(llm: Llm) -> Assistant:
    """The pipeline's arguments besides the LLM."""
    counter = by_bytes()
    return Assistant(
        llm=llm,
        budget=Budget(counter, None, Caps(tokens=_TOKENS)),
        counter=counter,
        delimiter=DELIMITER,
        answer_tokens=6_000,
        passage_tokens=16_000,
    )


def drafted(documents: tuple[Document, ...], llm: Llm | None, name: str | None = None) -> Draft:
    """Return the draft of documents that were already read, with or without an LLM."""
    return draft_reading(
        read_documents(documents),
        name=name,
        calibration=load_calibration(),
        created_at=paired.NOW,
        assistant=assistant(llm) if llm is not None else None,
    )


def helped(result: DraftResult, llm: Llm) -> DraftResult:
    """Return the draft of the same documents with an LLM."""
    made = drafted(result.documents, llm, result.draft.product.name)
    return dataclasses.replace(result, draft=made, json=dump(made), markdown=render(made, result.documents))


def unread(documents: tuple[Document, ...]) -> tuple[Document, ...]:
    """Return the documents as they would be if intake had found nothing in them."""
    return tuple(document.model_copy(update={"findings": ()}) for document in documents)


def strings(draft_json: str, without: tuple[str, ...] = ()) -> set[str]:
    """Return all texts of a draft, except those in certain fields."""
    whole = json.loads(draft_json)
    return set(_strings({key: value for key, value in whole.items() if key not in without}))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
