"""Lint for labelled cases: malformed cases, quotes missing from the text, near-duplicates, and listings that use the
labels' terms."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from agent.errors import SeptetError
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS
from evals.cases.case import LABELS_VERSION, Case, kind_of
from evals.cases.corpus import card, heading, load_cases, plain
from evals.cases.poison import attacks
from evals.cases.splits import FILE as SPLITS, complaints, read_splits
from evals.cases.variants import SPECIAL, TWINS, load_twins

SHINGLE: Final = 5
"""Number of words in a shingle; pages are compared by their shingles."""
NEAR: Final = 0.5
"""Two listings are near-duplicates if they share at least this fraction of the smaller listing's shingles."""
_GRID: Final = 0.05
_TINY: Final = 1e-9
_GIVEN_AWAY: Final = re.compile(
    r"\baivss\b|\bmaestro (?:layer|framework|threat)|\bthreat multiplier\b|\bmitigation factor\b"
    r"|not certain from the listing|\b(?:factor|risk) (?:score|rating) (?:of|is) \d|\bcvss:4\.0/"
    r"|" + "|".join(rf"\b{key}\b" for key in (*FACTORS, *LAYERS)),
    re.IGNORECASE,
)
"""Terms from the labels. A listing that uses them was written by someone who knew the labels."""


def lint(cases: Sequence[Case]) -> tuple[str, ...]:
    """Return complaints about cases, one line each, in the order of the cases."""
    complaints = [f"{case.slug}: {said}" for case in cases for said in _of_case(case)]
    return (*complaints, *_doublets(cases))


def lint_bundled(corpus: Path, cases: Sequence[Case]) -> tuple[str, ...]:
    """Return the complaints of `lint` about the bundled corpus and its variants."""
    by_slug = {case.slug: case for case in cases}
    special = load_cases(corpus / SPECIAL)
    found = [*lint(cases), *(f"special/{said}" for said in lint(special))]
    for case in special:
        try:
            kind_of(case)
        except SeptetError as error:
            found.append(f"special/{case.slug}: {error.what}")
        if case.labels.second is None:
            found.append(f"special/{case.slug}: only one reader")
    try:
        twins = load_twins(corpus / TWINS, by_slug)
    except SeptetError as error:
        return (*found, f"twins: {error}")
    strangers = sorted(path.name for path in (corpus / TWINS).iterdir() if path.name not in by_slug)
    found += [f"twins/{name}: there is no such case" for name in strangers]
    found += [f"twins/{slug}: {said}" for slug, twin in twins.items() for said in _of_twin(by_slug[slug], twin)]
    found += [f"{SPLITS}: {said}" for said in complaints(read_splits(corpus / SPLITS), cases)]
    texts = " ".join(page.markdown for case in cases for page in case.pages)
    found += [f"poisons: a case contains {attack.canary}" for attack in attacks() if attack.canary in texts]
    return tuple(found)


def _of_case(case: Case) -> Iterator[str]:
    text = plain("\n".join(page.markdown for page in case.pages))
    readers = (("reader", case.labels.reader), ("second reader", case.labels.second))
    for name, reader in readers:
        factors = [(key, cell.quote) for key, cell in reader.factors.items()] if reader else []
        layers = [(key, cell.quote) for key, cell in reader.layers.items()] if reader else []
        for place, quote in (*factors, *layers):
            if quote and plain(quote) not in text:
                yield f"the {name}'s quote of {place} is not in its text: {quote!r}"
    if heading(case.listing.markdown) is None:
        yield "listing.md does not begin with a heading"
    if case.labels.published is None and case.labels.reader is None:
        yield "no labels"
    if not 1 <= case.labels_version <= LABELS_VERSION:
        yield f"labels version {case.labels_version} is unknown (known: 1 to {LABELS_VERSION})"
    for _, reader in readers:
        for key, cell in reader.factors.items() if reader else ():
            if abs(cell.value / _GRID - round(cell.value / _GRID)) > _TINY:
                yield f"the value of {key} is not on a grid of {_GRID}: {cell.value}"
    stated = case.labels.published
    score, base = (stated.aivss, stated.cvss_base) if stated and stated.mitigation_factor == 1 else (None, None)
    if score is not None and base is not None and score < base:
        yield "the published score is below its own base, without a mitigation"
    yield from _of_readings(case)
    found = _GIVEN_AWAY.search("\n".join(page.markdown for page in case.pages))
    if found is not None:
        yield f"its text uses a term from the labels: {found[0]!r}"
    headline = case.labels.reader.headline if case.labels.reader else None
    if headline and plain(headline).rstrip(".") in text:
        yield "its text contains the reader's headline"


def _of_readings(case: Case) -> Iterator[str]:
    if case.readings is None:
        return
    text = plain(card(case).listing.markdown)
    for n, reading in enumerate(case.readings.card, start=1):
        for layer, quote in reading.items():
            if quote is not None and plain(quote) not in text:
                yield f"reading {n} of the card: the words for {layer} are not on it: {quote!r}"
    if case.readings.card and any(case.readings.card_certain(key) is None for key in LAYERS):
        yield "the readings of its card differ and no third reading settles them"
    if case.readings.headline and case.readings.headline_code is None:
        yield "the codings of its headline differ and no third coding settles them"


def _of_twin(case: Case, twin: Case) -> Iterator[str]:
    """Yield complaints about a twin that loses numbers or `code` names of its case, or does not reword every
    sentence."""
    old, new = (" ".join(page.markdown for page in one.pages) for one in (case, twin))
    lost = sorted(set(re.findall(r"\d[\d.,]*\d|\d|`[^`]+`", old)) - set(re.findall(r"\d[\d.,]*\d|\d|`[^`]+`", new)))
    if lost:
        yield f"numbers or names of its case are missing: {', '.join(lost[:5])}"
    sentences = [piece for piece in re.split(r"(?<=[.!?])\s+", plain(old)) if len(piece.split()) > SHINGLE]
    same = [piece for piece in sentences if piece in plain(new)]
    if same:
        yield f"a sentence is not reworded: {same[0]!r}"


def _doublets(cases: Sequence[Case]) -> Iterator[str]:
    """Yield complaints about listings that differ by only a few words."""
    words = [plain(case.listing.markdown).split() for case in cases]
    shingles = [{tuple(text[at : at + SHINGLE]) for at in range(max(1, len(text) - SHINGLE + 1))} for text in words]
    holders: dict[tuple[str, ...], list[int]] = {}
    for at, found in enumerate(shingles):
        for shingle in found:
            holders.setdefault(shingle, []).append(at)
    shared = Counter(pair for found_in in holders.values() for pair in combinations(found_in, 2))
    for (a, b), count in sorted(shared.items()):
        if count >= NEAR * max(1, min(len(shingles[a]), len(shingles[b]))):
            yield f"{cases[b].slug}: nearly the same listing as {cases[a].slug}"
