"""Ablations, which show what each part of the drafter contributes: `septet eval --without NAME`."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Literal

from agent.facts.reading import Reading, read_sheet
from agent.facts.sheet import without
from agent.pipeline import embedded_reader, for_readers
from agent.records import Outlook
from evals.runs.runner import Change

Without = Literal["outlook", "manifests", "facts"]
"""The part to leave out. outlook: what the fact reader considers likely beyond the facts. manifests: the facts from
lists of tools and permissions. facts: all facts, so that only the outlook remains."""


def ablation(parts: Sequence[Without]) -> Change:
    """Return the change that makes a run leave out `parts`."""
    # `_less` is a module-level function because it is pickled for other processes.
    return Change(reading=partial(_less, frozenset(parts))) if parts else Change()


def _less(parts: frozenset[Without], reading: Reading) -> Reading:
    sheet = reading.sheet
    outlook = Outlook() if "outlook" in parts else sheet.outlook
    if "facts" in parts:
        sheet = without(sheet, *(fact.id for fact in sheet.facts))
    elif "manifests" in parts:
        own = for_readers(reading.documents, reading.statements)
        sheet = read_sheet(reading.documents, own, [embedded_reader()])
    return dataclasses.replace(reading, sheet=sheet.model_copy(update={"outlook": outlook}))
