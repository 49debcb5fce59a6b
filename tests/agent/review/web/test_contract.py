"""The JSON twin against its own description: no response of 500 or above, and none that is not described."""

import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from agent.review.domain.records import Action, Reviewer
from tests.fakes.review.served_reviews import CaseReviews
from tests.fakes.review.web import ORIGIN, Browser, cookie_of

if TYPE_CHECKING:
    from schemathesis import Case

pytestmark = pytest.mark.slow
schemathesis = pytest.importorskip("schemathesis")  # not among the packages of the default run
checks = pytest.importorskip("schemathesis.specs.openapi.checks")

EXAMPLES = 60
METHODS = frozenset({"get", "post", "put", "patch", "delete"})
FIELDS: list[dict[str, object]] = [
    {"value": 0.3}, {"value": "0.3", "low": -1}, {"text": "A posture."}, {"paragraph": "“None” (E1)"}, {"title": ""},
    {"statement": {"source": 1}}, {"cvss_vector": "CVSS:4.0/AV:N"}, {"taxonomy": [{"id": "ASI01"}]}, {"evidence": "E1"},
    {"mitigations": [{"text": []}]}, {"document": "D1", "start": 0, "end": 9}, {"document": [], "quote": {}},
    {"kind": "wrong", "text": "no", "url": 7}, {"number": True, "decision": "accepted", "rule": "yes"},
    {"layer": [], "title": "a"}, {"to": None}, {"sha256": "0" * 64}, {"certain": "yes"}, {"headline": {}},
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def lived_in() -> None:
    """Add a decision, an answer and a contest to the first review."""
    threat = next(state.item.id for state in BROWSER.reviews.review("r1").items if state.item.kind == "threat")
    given: list[tuple[str, str, dict[str, object]]] = [
        ("confirm", "posture", {}),
        ("answer", "question/Q1", {"text": "None.", "url": "https://docs.example/a", "kind": "vendor-answer"}),
        ("contest", threat, {"kind": "wrong", "text": "It is off.", "url": "", "sender": "Acme"}),
    ]
    for verb, item, fields in given:
        version = BROWSER.reviews.review("r1").version
        action = Action.model_validate({"verb": verb, "item": item, "version": version, "fields": fields})
        BROWSER.reviews.act("r1", action, Reviewer(name="Ada"))


BROWSER = Browser(CaseReviews("dify", "abridge"))
HEADERS = {"host": ORIGIN.removeprefix("http://"), "origin": ORIGIN, "cookie": cookie_of(BROWSER).decode()}
SCHEMA = schemathesis.openapi.from_asgi("/api/openapi.json", BROWSER.client.app, headers=HEADERS)
CHECKS = (
    checks.status_code_conformance, checks.content_type_conformance, checks.response_headers_conformance,
    checks.response_schema_conformance, checks.unsupported_method,
)  # fmt: skip


def test_every_operation_is_described() -> None:
    """The schema's reader ignores no operation."""
    described = sum(len(path.keys() & METHODS) for path in SCHEMA.raw_schema["paths"].values())
    assert len(list(SCHEMA.get_all_operations())) == described > 0


def steered(case: "Case") -> "Case":
    """Use an existing review, item and version in three of four requests: randomly drawn ones would never match."""
    drawn = zlib.crc32(repr((case.path_parameters, case.body)).encode("utf-8", "replace"))
    if not drawn % 4:
        return case
    key = f"r{1 + drawn % 2}"
    state = BROWSER.reviews.review(key)
    if "key" in (case.path_parameters or {}):
        case.path_parameters["key"] = key
    if isinstance(case.body, dict):
        if isinstance(case.body.get("item"), str):
            case.body["item"] = state.items[drawn % len(state.items)].item.id
        if isinstance(case.body.get("version"), int):
            case.body["version"] = max(state.version - drawn % 3, 0)
        if isinstance(case.body.get("fields"), dict) and drawn % 8 > 3:
            case.body["fields"] = {**case.body["fields"], **FIELDS[drawn % len(FIELDS)]}
    return case


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
def test_the_twin_keeps_its_description(case: "Case") -> None:
    answer = steered(case).call(headers=HEADERS)
    assert answer.status_code < 500
    case.validate_response(answer, checks=list(CHECKS))
