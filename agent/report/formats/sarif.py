"""SARIF 2.1.0: a rule and a result for each threat, located at the quotes behind it.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0 plus Errata 01, and the subset that GitHub's code
scanning supports. An artifact is the text that was read from a source, so offsets count its characters (code points).
Its address has no scheme, since GitHub rejects files whose scheme differs from that of its checkout; the full address
is in the properties. A struck threat is a suppressed result without a severity. A threat that was waived as an accepted
risk or as out of scope is suppressed with its severity; one that was waived for another reason is under review.
"""

from typing import Final
from urllib.parse import quote as percent, urlsplit

from agent.records import STRUCK, Evidence, SourceRef, TaxonomyRef, Threat
from agent.report.formats.parts import draft_properties
from agent.report.formats.threat_rows import (
    MARKDOWN,
    TEXT,
    Struck,
    ThreatRow,
    drafted_id,
    issue,
    product_words,
    stable_id,
    struck,
    threat_rows,
)
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line
from agent.report.view import View
from agent.taxonomy.kinds import Band
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES
from agent.taxonomy.lists import scheme

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT: Final = "septetThreat/v1"
GITHUB_FINGERPRINT: Final = "primaryLocationLineHash"
"""The only fingerprint that GitHub uses to match an alert with the previous run."""
_LEVELS: Final[dict[Band, str]] = {
    "Critical": "error", "High": "error", "Medium": "warning", "Low": "note", "None": "note",
}  # fmt: skip
_HELP: Final = 20_000
_MAESTRO: Final = "maestro"
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as a SARIF log of one run."""
    return dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [_Run(view).whole()]}, sort_keys=True).encode()


def message(text: str) -> dict[str, str]:
    """Build a SARIF message from `text`, escaped so that nothing in it is a placeholder or a link.

    SARIF reads braces as placeholders (section 3.11.5) and brackets as links (3.11.6).
    """
    return {"text": _escaped(one_line(text)).replace("](", "\\](")}


def relative(url: str) -> str:
    """Convert a URL to a relative reference without a scheme: `https://acme.example/docs` to `acme.example/docs`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return percent(url, safe="/")
    if not parts.netloc:
        return percent(url, safe="/").lstrip("/")
    path = percent(parts.netloc.rpartition("@")[2] + parts.path, safe="/%").replace("%3A", "_")
    return path + (f"?{percent(parts.query, safe='=&%+')}" if parts.query else "")


class _Run:
    """Builds one run and the indexes by which its parts refer to one another."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._draft = view.draft
        self._rows = threat_rows(view)
        self._struck = struck(view.draft)
        ids = [*(row.threat.id for row in self._rows), *(each.id for each in self._struck)]
        self._rules = {id_: n for n, id_ in enumerate(dict.fromkeys(ids))}
        self._artifacts = {source.document: n for n, source in enumerate(view.draft.sources)}
        self._taxa: dict[str, dict[str, str]] = {_MAESTRO: {LAYER_CODES[k]: LAYER_TITLES[k] for k, _ in view.layers}}
        """The title of each taxonomy id that threats have, by taxonomy; MAESTRO's layers are included."""
        for row in self._rows:
            for ref in row.threat.taxonomy:
                self._taxa.setdefault(ref.scheme, {})[ref.id] = ref.title

    def whole(self) -> _Object:
        draft = self._draft
        rules = {row.threat.id: self._rule(row) for row in self._rows}
        for each in self._struck:
            told = {"shortDescription": message(each.title), "help": message(f"{each.title}: {each.why}")}
            rules.setdefault(each.id, {"id": each.id, **told, "defaultConfiguration": {"level": "none"}})
        driver: _Object = {
            "name": "Septet",
            "fullName": "Septet, threat models of AI-agent products",
            "rules": list(rules.values()),
            "supportedTaxonomies": [self._reference(name) for name in self._taxa],
        }
        if version := draft.manifest.get("septet"):
            driver["version"] = version
        return {
            "tool": {"driver": driver},
            "automationDetails": {
                "id": f"septet/{relative(draft.product.name.replace('/', '-'))}/",
                "guid": drafted_id(draft, "run"),
                "description": message(f"Threat model of {draft.product.name}: {self._view.standing}"),
            },
            "columnKind": "unicodeCodePoints",
            "invocations": [self._invocation()],
            "artifacts": [self._source(source) for source in draft.sources],
            "taxonomies": [self._taxonomy(name) for name in self._taxa],
            "results": [*(self._result(row) for row in self._rows), *(self._gone(each) for each in self._struck)],
            "properties": draft_properties(self._view),
        }

    # -------------------------------------------------------- taxonomies

    def _reference(self, name: str) -> _Object:
        return {"name": scheme(name).title, "index": list(self._taxa).index(name)}

    def _taxonomy(self, name: str) -> _Object:
        known = scheme(name)
        titles = self._taxa[name].items()
        return {
            "name": known.title,
            "version": known.version,
            "guid": drafted_id(self._draft, f"taxonomy/{name}"),
            "shortDescription": message(f"{known.title}, {known.version}. Source: {known.source}"),
            "isComprehensive": False,
            "taxa": [{"id": id_, "name": title, "shortDescription": message(title)} for id_, title in titles],
            "properties": {"scheme": name, "status": known.status},
        }

    def _row_taxa(self, row: ThreatRow) -> list[_Object]:
        """Return references to the taxa of a threat, its layer first."""
        layer = TaxonomyRef(scheme=_MAESTRO, id=row.code, title=LAYER_TITLES[row.layer])
        refs = [layer, *(ref for ref in row.threat.taxonomy if (ref.scheme, ref.id) != (_MAESTRO, row.code))]
        return [
            {
                "id": ref.id,
                "index": list(self._taxa[ref.scheme]).index(ref.id),
                "toolComponent": self._reference(ref.scheme),
            }
            for ref in refs
        ]

    # -------------------------------------------------------- rules and results

    def _rule(self, row: ThreatRow) -> _Object:
        threat = row.threat
        tags = ["security", f"MAESTRO {row.code}", f"state:{threat.state}"]
        tags += [f"external/cwe/{ref.id.lower()}" if ref.scheme == "cwe" else ref.id for ref in threat.taxonomy]
        properties: _Object = {"tags": list(dict.fromkeys(tags)), "severity": row.severity}
        if threat.score.cvss_base:
            properties["security-severity"] = f"{threat.score.cvss_base:.1f}"
        text = "\n".join(message(line)["text"] for line in issue(row, TEXT, _HELP).splitlines())
        return {
            "id": threat.id,
            "shortDescription": message(threat.title),
            "fullDescription": message(row.how),
            "help": {"text": text, "markdown": _escaped(issue(row, MARKDOWN, _HELP))},
            "defaultConfiguration": _graded(row),
            "relationships": [{"target": taxon, "kinds": ["relevant"]} for taxon in self._row_taxa(row)],
            "properties": properties,
        }

    def _identity(self, threat: Threat | Struck) -> _Object:
        stable = stable_id(self._draft, threat)
        return {
            "ruleId": threat.id,
            "ruleIndex": self._rules[threat.id],
            "guid": drafted_id(self._draft, threat.id),
            "correlationGuid": stable,
            "partialFingerprints": {FINGERPRINT: stable, GITHUB_FINGERPRINT: f"{stable.replace('-', '')[:16]}:1"},
            "kind": "fail",
        }

    def _result(self, row: ThreatRow) -> _Object:
        threat = row.threat
        places = [
            {
                "id": number,
                "message": {"text": quote.id},
                "physicalLocation": {"artifactLocation": self._artifact(quote.document), "region": self._region(quote)},
            }
            for number, quote in enumerate(row.quotes, 1)
        ]
        product = one_line(self._draft.product.name)
        layer = {"name": LAYER_TITLES[row.layer], "fullyQualifiedName": f"{product}/{row.code}"}
        made = self._identity(threat) | {
            **_graded(row),
            "message": message(f"{threat.title}. {row.how}"),
            "locations": [{**(places[0] if places else self._whole_source()), "logicalLocations": [layer]}],
            "taxa": self._row_taxa(row),
            "properties": row.properties(),
        }
        if places[1:]:
            made["relatedLocations"] = places[1:]
        if row.waived:
            status = "accepted" if row.settled else "underReview"
            made["suppressions"] = [self._suppression(threat.id, status, row.waived)]
        return made

    def _gone(self, gone: Struck) -> _Object:
        return self._identity(gone) | {
            "level": "none",
            "message": message(f"{gone.title}. {gone.why}"),
            "locations": [self._whole_source()],
            "suppressions": [self._suppression(gone.id, "accepted", gone.why)],
            "properties": {"state": STRUCK, "severity": None},
        }

    def _suppression(self, identifier: str, status: str, why: str) -> _Object:
        guid = drafted_id(self._draft, f"suppression/{identifier}")
        return {"guid": guid, "kind": "external", "status": status, "justification": one_line(why)}

    def _region(self, quote: Evidence) -> _Object:
        length = quote.end - quote.start
        region: _Object = {"charOffset": quote.start, "charLength": length, "snippet": {"text": quote.quote}}
        text = next((document.text for document in self._view.documents if document.id == quote.document), None)
        if text is not None:
            # SARIF describes a region by lines, by characters, or by both if they agree; GitHub needs lines.
            for name, at in (("start", quote.start), ("end", quote.end)):
                region[f"{name}Line"] = text.count("\n", 0, at) + 1
                region[f"{name}Column"] = at - text.rfind("\n", 0, at)
        return region

    def _whole_source(self) -> _Object:
        """Locate a threat without quotes at the whole listing, with a message that says so."""
        said: _Object = {"message": {"text": "No quote: the location is the whole source"}}
        if self._draft.sources:
            said["physicalLocation"] = {"artifactLocation": self._artifact(self._draft.sources[0].document)}
        return said

    def _artifact(self, document: str) -> _Object:
        number = self._artifacts.get(document)
        if number is None:
            return {"uri": relative(document)}
        return {"uri": relative(self._draft.sources[number].url), "index": number}

    # -------------------------------------------------------- what was read

    def _source(self, source: SourceRef) -> _Object:
        of_source = source.model_dump(include={"document", "url", "kind", "language"})
        media = next((each.media_type for each in self._view.documents if each.id == source.document), "")
        words = f"{source.document}: offsets count characters of the extracted text"
        return {
            "location": self._artifact(source.document),
            "hashes": {"sha-256": source.sha256},
            "roles": ["analysisTarget"],
            "description": {"text": words},
            "properties": {
                **of_source, "characters": source.chars, "fetchedAt": source.fetched_at,
                "findings": len(source.findings),
            },
            **({"mimeType": media.partition(";")[0]} if media else {}),
        }  # fmt: skip

    def _invocation(self) -> _Object:
        """Report undetermined layers or scores and unread sources as notes, so that no viewer lists them as results."""
        notes = []
        for key, layer in self._view.layers:
            if not layer.certain:
                head = "does not apply" if layer.applies == "no" else "not certain from the listing"
                detail = f"{head}: {layer.missing.detail}" if layer.missing else head
                notes.append(_note("layer", "note", f"{LAYER_CODES[key]} {LAYER_TITLES[key]}: {detail}"))
        if self._draft.score.aivss is None:
            notes.append(_note("score", "warning", product_words(self._draft)))
        notes += [_note("source", "warning", f"{each.what}: {each.reason}") for each in self._view.unread]
        made: _Object = {"executionSuccessful": True, "endTimeUtc": self._draft.created_at}
        return made | ({"toolExecutionNotifications": notes} if notes else {})


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _graded(row: ThreatRow) -> _Object:
    return {"level": _LEVELS[row.severity], "rank": float(row.threat.score.cvss_base * 10)}


def _note(about: str, level: str, words: str) -> _Object:
    return {"descriptor": {"id": f"septet/{about}"}, "level": level, "message": message(words)}
