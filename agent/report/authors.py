"""Who made which part of a draft, and the LLM's usage.

Nothing is reported for a draft without an LLM, since the program made all of it.
"""

from collections.abc import Iterator
from typing import Final

from agent.records import Draft, MadeBy, Missing, MissingReason
from agent.report.safe_markdown import shorten
from agent.report.sentences import listed
from agent.report.view import name_of

LLM_USAGE: Final = ("llm_calls", "input_tokens", "cached_tokens", "output_tokens", "dollars", "claims_dropped")
"""Keys of the usage figures that the report's manifest table leaves out for a draft made with an LLM."""
_FALLEN_BACK: Final = "drafting with "
_DETAIL: Final = 160
_MOST: Final = 0.9
"""If the LLM contributed to less than this share of the parts, the report's first line says to how many."""
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
    ("factors", "embedded"): "the estimate only",
    ("layers", "llm"): "in the LLM's words",
    ("layers", "embedded"): "in the program's words",
    ("threats", "both"): "the catalogue's threats plus the LLM's",
    ("threats", "embedded"): "the catalogue's only",
    ("system", "both"): "found by the program, with additional parts from the LLM",
    ("system", "embedded"): "found only by the program",
    ("posture", "both"): "first in the LLM's words, then in the program's",
    ("posture", "embedded"): "in the program's words",
    ("questions", "both"): "chosen by the program, some in the LLM's words",
    ("questions", "embedded"): "in the program's words",
    ("chains", "both"): "the catalogue's and the LLM's",
    ("chains", "llm"): "the LLM's, built from threats of this draft",
    ("chains", "embedded"): "the catalogue's only",
}
_PLAIN_WHO: Final = {"both": "the program and the LLM", "llm": "the LLM", "embedded": "the program only"}
_CALLS: Final[dict[MissingReason, str]] = {
    "rate-limited": "the endpoint accepted no more calls",
    "out-of-quota": "the account has no quota left",
    "bad-request": "the endpoint refused the request",
    "too-large": "the request was too long for the LLM",
    "unauthorised": "the endpoint refused the key",
    "model-missing": "the endpoint does not have this LLM",
    "timeout": "there was no answer in time",
    "tls": "no secure connection could be made",
    "bad-endpoint": "the address is not an LLM endpoint",
    "bad-response": "the endpoint sent something other than an answer",
    "empty-answer": "the answer was empty",
    "refused": "the LLM refused to answer",
    "truncated": "the answer was cut off",
    "filtered": "the provider's filter withheld the answer",
    "invalid-json": "the answer was not valid JSON",
    "invalid-schema": "the answer did not have the requested form",
    "unreachable": "the endpoint could not be reached",
    "over-budget": "the budget was used up",
    "cassette-miss": "the recording does not contain this call",
}
"""The reasons for failed calls, in words; any other reason is explained by its detail."""


def authorships(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Yield each group of parts, who made it, and why the LLM's proposal is missing, if it is.

    All factors form one group, and so do all layers. A draft without an LLM yields nothing.
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
        why = ["its proposal is listed under Dropped"] * sum(m.missing is None and m.by == "embedded" for m in parts)
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
        since = f" because the LLM {given_up[0].removeprefix(_FALLEN_BACK)} was unavailable" if given_up else ""
        return f"drafted without an LLM{since}"
    name = f"the LLM {drafter.llm}" if drafter.llm else "an LLM"
    used = sum(made.by != "embedded" for made in drafter.parts)
    if drafter.parts and not used:
        return f"drafted without an LLM: {name} was asked, but none of its answers is used"
    # If nearly all parts are by the LLM, only the appendix mentions the others.
    few = used < _MOST * len(drafter.parts)
    share = f" ({used} of {len(drafter.parts)} parts)" if few else ""
    return f"drafted with {name}{share}, quotes and numbers checked by code"


def usage_sentences(draft: Draft) -> list[str]:
    """Describe the LLM's usage, if the draft records it."""
    used, tokens = draft.usage, draft.manifest.get("llm_tokens")
    if "llm_calls" not in used:
        return []
    money = f", ${used['dollars']:.4f}" if "dollars" in used else ", price unknown"
    return [
        f"The LLM was called {used['llm_calls']:,.0f} times: {used.get('input_tokens', 0):,.0f} tokens in, "
        f"{used.get('cached_tokens', 0):,.0f} of them cached, {used.get('output_tokens', 0):,.0f} out"
        f"{f' ({tokens})' if tokens else ''}{money}"
    ]
