"""Who made which part of a draft, and what the LLM used for its parts.

Nothing is reported for a draft without an LLM, since the program made all of it.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from agent.records import Draft, MadeBy, Missing, MissingReason
from agent.report.safe_markdown import shorten
from agent.report.sentences import listed
from agent.taxonomy.factors import FACTOR_TITLES, FACTORS
from agent.taxonomy.layers import LAYER_CODES, LAYERS

LLM_USAGE: Final = (
    "llm_calls", "input_tokens", "cached_tokens", "output_tokens", "dollars", "claims_proposed", "claims_supported",
    "claims_inferred", "claims_dropped", "quotes_proposed", "quotes_found",
)  # fmt: skip
"""Keys of a draft's usage figures that `usage_sentences` covers."""
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
_ORDER: Final = ("both", "llm", "embedded")
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


class Authorship(NamedTuple):
    """One line about who made a part."""

    part: str
    who: str
    why: str
    """Why the LLM's proposal is missing, for each part; empty if none is missing."""


def authorships(draft: Draft) -> Iterator[Authorship]:
    """Yield who made each part, with one line for all factors and one for all layers; nothing without an LLM."""
    groups: dict[str, list[MadeBy]] = {}
    for made in draft.drafter.parts:
        groups.setdefault(made.part.partition("/")[0], []).append(made)
    for group in sorted(groups, key=lambda name: [*_TITLES, name].index(name)):
        parts = groups[group]
        counts = {by: sum(made.by == by for made in parts) for by in _ORDER}
        counted = [
            f"{count} {who_made(group, by)}" if len(parts) > 1 else who_made(group, by)
            for by, count in counts.items() if count
        ]  # fmt: skip
        yield Authorship(_TITLES.get(group, group), "; ".join(counted), "; ".join(_reasons(parts)))


def who_made(group: str, by: str) -> str:
    """Describe who made a part of a group such as "factors", "layers" or "chains"."""
    return _WHO.get((group, by), _PLAIN_WHO[by])


def made_by(draft: Draft, part: str) -> MadeBy | None:
    """Return who made a part, named as in `records.MadeBy`, or None for a draft without an LLM."""
    return next((made for made in draft.drafter.parts if made.part == part), None)


def reason_words(missing: Missing) -> str:
    """Describe why an LLM's proposal is missing, with the reason code."""
    detail = shorten(missing.detail, _DETAIL)
    reason = _CALLS.get(missing.reason)
    text = f"{reason}: {detail}" if reason and detail else reason or detail
    return f"{text} ({missing.reason})" if text else missing.reason


def drafter_words(draft: Draft) -> str:
    """Describe which drafter made the draft, for the first line of the report."""
    drafter = draft.drafter
    if drafter.kind == "embedded":
        given_up = fallen_back(draft)
        return "drafted without an LLM" + (f", since the LLM {given_up} could not be had" if given_up else "")
    name = f"the LLM {drafter.llm}" if drafter.llm else "an LLM"
    used = sum(made.by != "embedded" for made in drafter.parts)
    if drafter.parts and not used:
        return f"drafted without an LLM: {name} was asked and nothing that it said is used"
    # If only one or two parts are not by the LLM, the appendix mentions them.
    few = used < _MOST * len(drafter.parts)
    share = f" in {used} of {len(drafter.parts)} parts" if few else ""
    return f"drafted with {name}{share}, quotes and numbers checked by code"


def fallen_back(draft: Draft) -> str:
    """Return the LLM that was chosen for the draft but was unavailable; empty for any other draft."""
    if draft.drafter.kind == "llm":
        return ""
    whats = [item.what for item in draft.dropped if item.what.startswith(_FALLEN_BACK)]
    return whats[0].removeprefix(_FALLEN_BACK) if whats else ""


def usage_sentences(draft: Draft) -> Sequence[str]:
    """Describe the LLM's usage and the outcome of its claims and quotes, as far as the draft records them."""
    used = draft.usage
    lines = []
    if "llm_calls" in used:
        tokens = draft.manifest.get("llm_tokens")
        money = f", ${used['dollars']:.4f}" if "dollars" in used else ", price not known"
        lines.append(
            f"The LLM took {used['llm_calls']:,.0f} calls: {used.get('input_tokens', 0):,.0f} tokens in, "
            f"{used.get('cached_tokens', 0):,.0f} of them cached, {used.get('output_tokens', 0):,.0f} out"
            f"{f' ({tokens})' if tokens else ''}{money}"
        )
    if "claims_proposed" in used:
        lines.append(
            f"It proposed {used['claims_proposed']:,.0f} claims: {used.get('claims_supported', 0):,.0f} said by their "
            f"quotes, {used.get('claims_inferred', 0):,.0f} made likely, {used.get('claims_dropped', 0):,.0f} dropped; "
            f"{used.get('quotes_found', 0):,.0f} of {used.get('quotes_proposed', 0):,.0f} quotes found in the sources"
        )
    return lines


def _reasons(parts: Sequence[MadeBy]) -> Iterator[str]:
    """Yield each distinct reason, with the parts it applies to if the group has several."""
    owners: dict[str, list[str]] = {}
    for made in parts:
        if made.missing is None:
            if made.by == "embedded":
                yield "what it proposed is under Dropped"
        else:
            owners.setdefault(reason_words(made.missing), []).append(_short_name(made.part))
    for reason, names in owners.items():
        yield f"{listed(names)}: {reason}" if len(parts) > 1 else reason


def _short_name(part: str) -> str:
    key = part.partition("/")[2]
    factor = next((FACTOR_TITLES[name] for name in FACTORS if name == key), None)
    layer = next((LAYER_CODES[name] for name in LAYERS if name == key), None)
    return factor or layer or part
