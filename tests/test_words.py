"""Words about one product: verbs in -ing, and the leading capability."""

import pytest

from agent.drafting_old.words import gerund, gerund_phrase, leading
from agent.records import Capability, System


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("send", "sending"),
        ("write", "writing"),
        ("run", "running"),
        ("see", "seeing"),
        ("tie", "tying"),
        ("push and merge", "pushing and merging"),
        ("log in", "logging in"),
        ("look up", "looking up"),
        ("copy", "copying"),
        ("open", "opening"),
        ("commit", "committing"),
    ],
)
def test_gerunds(verb: str, form: str) -> None:
    assert gerund(verb) == form


def capability(number: int, mode: str, action: str, thing: str, *, evidence: tuple[str, ...] = ("E1",)) -> Capability:
    return Capability.model_validate({
        "id": f"C{number}", "signal": "s", "action": action, "object": thing, "mode": mode, "credential": None,
        "approver": None, "data": (), "state": "claimed", "evidence": evidence,
    })  # fmt: skip


def picture(*found: Capability) -> System:
    return System(
        actors=(), components=(), stores=(), services=(), flows=(), boundaries=(), capabilities=found
    )  # fmt: skip


def test_the_gravest_quoted_capability_leads() -> None:
    reads = capability(1, "read", "reads", "tickets")
    writes = capability(2, "write", "writes", "replies")
    unquoted = capability(3, "delete", "deletes", "tickets", evidence=())
    assert leading(picture(reads, writes, unquoted)) == writes
    assert leading(picture(unquoted)) is None
    assert leading(picture()) is None


def test_a_short_object_leads_before_a_long_one() -> None:
    long = capability(1, "delete", "deletes", "everything that anybody has ever put into the shared folder")
    short = capability(2, "write", "writes", "replies")
    assert leading(picture(long, short)) == short


def test_a_phrase_is_verb_and_object() -> None:
    assert gerund_phrase(capability(1, "write", "sends", "e-mail")) == "sending e-mail"
