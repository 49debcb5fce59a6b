"""Who made which part of a draft, and what the LLM used for its parts.

Nothing is reported for a draft without an LLM, since the program made all of it.
"""

from collections.abc import Iterator
from typing import Final

from agent.records import Draft, MadeBy, Missing, MissingReason
from agent.report.safe_markdown import shorten
from agent.report.sentences import listed
from agent.report.view import name_of

LLM_USAGE: Final = ("llm_calls", "input_tokens", "cached_tokens", "output_tokens", "dollars", "claims_dropped")
"""Keys of a draft's usage figures that are no part of its manifest."""
_FALLEN_BACK: Final = "drafting with "
_DETAIL: Final = 160
_MOST: Final = 0.9
"""The minimum share of LLM-made parts for a draft to be attributed to the LLM."""
_TITLES: Final = {
    "factors": "factor values",
    "layers": "paragraphs of layers",
    "threats": "threats",
    "system": "system picture",
    "posture": "posture",
    "questions": "questions",
    "chains": "chains",
}
_WHO: Final = {
    ("factors", "both"): "the LLM's value weighed with the estimate",
    ("factors", "embedded"): "the estimate alone",
    ("layers", "llm"): "in the LLM's words",
    ("layers", "embedded"): "in the program's words",
    ("threats", "both"): "the catalogue's, and threats of the LLM beside them",
    ("threats", "embedded"): "the catalogue's alone",
    ("system", "both"): "found by the program, and parts of the LLM beside them",
    ("system", "embedded"): "found by the program alone",
    ("posture", "both"): "begins in the LLM's words, ends in the program's",
    ("posture", "embedded"): "in the program's words",
    ("questions", "both"): "chosen by the program, some in the LLM's words",
    ("questions", "embedded"): "in the program's words",
    ("chains", "both"): "the catalogue's and the LLM's",
    ("chains", "llm"): "the LLM's, from threats of this draft",
    ("chains", "embedded"): "the catalogue's alone",
}
_PLAIN_WHO: Final = {"both": "the program and the LLM", "llm": "the LLM", "embedded": "the program alone"}
_CALLS: Final[dict[MissingReason, str]] = {
    "rate-limited": "the endpoint took no more calls",
    "out-of-quota": "the account has no quota left",
    "bad-request": "the endpoint refused the request",
    "too-large": "the request was too long for the LLM",
    "unauthorised": "the endpoint refused the key",
    "model-missing": "the endpoint does not have this LLM",
    "timeout": "there was no answer in time",
    "tls": "there was no safe connection",
    "bad-endpoint": "the address is no endpoint of an LLM",
    "bad-response": "the endpoint sent something else than an answer",
    "empty-answer": "the answer was empty",
    "refused": "the LLM refused to answer",
    "truncated": "the answer was cut off",
    "filtered": "a filter of the provider withheld the answer",
    "invalid-json": "the answer was no valid JSON",
    "invalid-schema": "the answer was not of the form that was asked for",
    "unreachable": "the endpoint could not be reached",
    "over-budget": "the budget was used up",
    "cassette-miss": "the recording holds no such call",
}
"""The reasons for failed calls, in words; any other reason is explained by its detail."""


def authorships(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Yield each part, who made it, and why the LLM's proposal is missing, if it is; nothing without an LLM.

    All factors are one part, and so are all layers.
    """
    groups: dict[str, list[MadeBy]] = {}
    for made in draft.drafter.parts:
        groups.setdefault(made.part.partition("/")[0], []).append(made)
    for group in sorted(groups, key=lambda name: [*_TITLES, name].index(name)):
        parts, told, many = groups[group], [], len(groups[group]) > 1
        for by in _PLAIN_WHO:
            if count := sum(made.by == by for made in parts):
                told.append(f"{count} {who_made(group, by)}" if many else who_made(group, by))
        reasons: dict[str, list[str]] = {}
        for made in parts:
            if made.missing is not None:
                reasons.setdefault(reason_words(made.missing), []).append(_short_name(made.part))
        why = ["what it proposed is under Dropped"] * sum(m.missing is None and m.by == "embedded" for m in parts)
        why += [f"{listed(names)}: {reason}" if many else reason for reason, names in reasons.items()]
        yield _TITLES.get(group, group), "; ".join(told), "; ".join(why)


def _short_name(part: str) -> str:
    group, _, key = part.partition("/")
    name = name_of(key)
    return part if name == key else name.partition(" ")[0] if group == "layers" else name


def who_made(group: str, by: str) -> str:
    """Describe who made a part of a group such as "factors", "layers" or "chains"."""
    return _WHO.get((group, by), _PLAIN_WHO[by])


def made_by(draft: Draft, part: str) -> MadeBy | None:
    """Return who made a part, named as in `records.MadeBy`, or None for a draft without an LLM."""
    return next((made for made in draft.drafter.parts if made.part == part), None)


def reason_words(missing: Missing) -> str:
    """Describe why an LLM's proposal is missing, with the reason code."""
    text = ": ".join(filter(None, (_CALLS.get(missing.reason), shorten(missing.detail, _DETAIL))))
    return f"{text} ({missing.reason})" if text else missing.reason


def drafter_words(draft: Draft) -> str:
    """Describe which drafter made the draft, for the first line of the report."""
    drafter = draft.drafter
    if drafter.kind == "embedded":
        given_up = [item.what for item in draft.dropped if item.what.startswith(_FALLEN_BACK)]
        since = f", since the LLM {given_up[0].removeprefix(_FALLEN_BACK)} could not be had" if given_up else ""
        return f"drafted without an LLM{since}"
    name = f"the LLM {drafter.llm}" if drafter.llm else "an LLM"
    used = sum(made.by != "embedded" for made in drafter.parts)
    if drafter.parts and not used:
        return f"drafted without an LLM: {name} was asked and nothing that it said is used"
    # If only one or two parts are not by the LLM, the appendix mentions them.
    few = used < _MOST * len(drafter.parts)
    share = f" in {used} of {len(drafter.parts)} parts" if few else ""
    return f"drafted with {name}{share}, quotes and numbers checked by code"


def usage_sentences(draft: Draft) -> list[str]:
    """Describe the LLM's usage, if the draft records it."""
    used, tokens = draft.usage, draft.manifest.get("llm_tokens")
    if "llm_calls" not in used:
        return []
    money = f", ${used['dollars']:.4f}" if "dollars" in used else ", price not known"
    return [
        f"The LLM took {used['llm_calls']:,.0f} calls: {used.get('input_tokens', 0):,.0f} tokens in, "
        f"{used.get('cached_tokens', 0):,.0f} of them cached, {used.get('output_tokens', 0):,.0f} out"
        f"{f' ({tokens})' if tokens else ''}{money}"
    ]
