"""The JSON twin: the data of every page, acts and previews, and errors as problem documents."""

import json

import pytest

from tests.fakes.review.served_reviews import CaseReviews
from tests.fakes.review.web import HEADLINE, ORIGIN, Browser

FACTOR = "factor/autonomy_of_action"


def post(ada: Browser, path: str, status: int = 200, **body: object) -> dict[str, object]:
    headers = {"origin": ORIGIN, "content-type": "application/json"}
    answer = ada.client.post(path, content=json.dumps(body), headers=headers)
    assert answer.status_code == status, answer.text[:500]
    return dict(answer.json()) if answer.content else {}


def test_the_twin_holds_what_the_pages_show(ada: Browser) -> None:
    state = ada.state
    page = json.loads(ada.get("/api/r/r1"))
    assert page["state"] == state.model_dump(mode="json", by_alias=True)
    assert page["minutes_left"] > 0
    assert page["decisions"][0]["state"]["item"]["id"] == HEADLINE
    assert json.loads(ada.get("/api/queue"))["rows"][0]["product"] == "Dify"
    assert [one["id"] for one in json.loads(ada.get("/api/r/r1/sources"))] == ["D1", "D2", "D3", "D4"]
    assert {"scheme": "owasp-asi", "id": "ASI01", "title": "Agent Goal Hijack"} in json.loads(ada.get("/api/taxonomy"))
    assert [event["verb"] for event in json.loads(ada.get("/api/r/r1/history"))] == ["import"]
    assert len(json.loads(ada.get("/api/compare?keys=r1"))["lines"]) == 18
    assert json.loads(ada.get("/api/people")) == [{"name": "Ada", "role": "analyst"}]


def test_an_act_is_stored_and_a_preview_is_not(ada: Browser) -> None:
    asked = {"verb": "correct", "item": FACTOR, "version": 1, "fields": {"value": 0.0}, "reason": "wrong-value"}
    moved = post(ada, "/api/r/r1/preview", **asked)
    assert ada.events() == ()
    done = post(ada, "/api/r/r1/act", **asked)
    assert done["moved"] == moved
    assert [event.verb for event in ada.events()] == ["correct"]
    compared = json.loads(ada.get("/api/r/r1/compare?a=1&b=2"))
    assert [one["item"] for one in compared["differences"]][:1] == [FACTOR]
    assert json.loads(ada.get("/api/r/r1?as_of=1"))["state"]["version"] == 1


def test_a_conflict_carries_three_versions(ada: Browser) -> None:
    ada.second("Grace").act("correct", FACTOR, value="0.9", reason="wrong-value")
    asked = {"verb": "correct", "item": FACTOR, "version": 1, "fields": {"value": 0.1}, "reason": "wrong-value"}
    told = post(ada, "/api/r/r1/act", 409, **asked)
    drafted = float(ada.state.drafted.factors["autonomy_of_action"].value)
    assert (told["mine"]["value"], told["theirs"]["value"], told["base"]["value"]) == (0.1, 0.9, drafted)  # type: ignore[index]
    assert told["hint"]


def asking(verb: str, item: str, *, version: int = 1, reason: str = "", **fields: object) -> dict[str, object]:
    return {"verb": verb, "item": item, "version": version, "fields": fields, "reason": reason}


REFUSED: list[tuple[str, dict[str, object], int, str]] = [
    ("/api/r/r9/act", asking("confirm", "posture"), 404, "review 'r9'"),
    ("/api/r/r1/act", asking("confirm", "posture", version=-1), 422, "body.version"),
    ("/api/r/r1/act", asking("confirm", "posture", version=7), 422, "version"),
    ("/api/r/r1/act", {"verb": "confirm", "item": "posture"}, 422, "body.version"),
    ("/api/r/r1/act", asking("correct", FACTOR, reason="wording", value=2), 422, "value"),
    ("/api/r/r1/act", asking("correct", FACTOR, reason="wording", value=[[1]]), 422, "value"),
    ("/api/r/r1/act", asking("correct", "posture", reason="wording", text="\ud800"), 422, "fields"),
    ("/api/r/r1/act", {**asking("confirm", "posture"), "reviewer": "Eve"}, 422, "body.reviewer"),
    ("/api/r/r1/act", asking("strike", "posture", reason="bored"), 422, "body.reason"),
    ("/api/r/r1/act", asking("redraft", "", sha256="0" * 64), 422, "verb"),
    ("/api/r/r1/preview", asking("import", ""), 422, "verb"),
    ("/api/r/r1/preview", asking("strike", "posture", reason="outdated"), 422, "posture"),
    ("/api/r/r1/focus", {"item": "none", "seconds": 3}, 422, "item"),
    ("/api/r/r1/focus", {"item": "posture", "seconds": 3000}, 422, "body.seconds"),
    ("/api/r/r1/redraft", {"version": 1}, 422, "answers"),
    ("/api/r/r1/response", {"version": 1, "file": "answers: ["}, 422, "response file"),
    ("/api/people", {"name": "", "role": "analyst"}, 422, "body.name"),
]


@pytest.mark.parametrize(("path", "body", "status", "where"), REFUSED)
def test_what_is_refused_is_a_problem_with_its_place(
    ada: Browser, path: str, body: dict[str, object], status: int, where: str
) -> None:
    told = post(ada, path, status, **body)
    assert told["where"] == where
    assert told["error"]
    assert ada.events() == ()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000, b'{"version": NaN}', b'{"version": 1e999}']
)
def test_a_body_that_is_no_action_is_refused(ada: Browser, body: bytes) -> None:
    headers = {"origin": ORIGIN, "content-type": "application/json"}
    answer = ada.client.post("/api/r/r1/act", content=body, headers=headers)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "where", "hint"}


def test_deep_and_huge_values_reach_no_event(ada: Browser) -> None:
    nest: object = 1
    for _ in range(40):
        nest = [nest]
    for value in (nest, 10**30, "\0"):
        asked = {"verb": "correct", "item": FACTOR, "version": 1, "fields": {"value": value}, "reason": "wording"}
        assert post(ada, "/api/r/r1/act", 422, **asked)["where"] == "fields"


def test_errors_of_paths_and_methods_are_problems_too(ada: Browser) -> None:
    for path, status in (
        ("/api/nothing", 404),
        ("/api/r/r1/act", 405),
        ("/api/r/r1/compare?a=0&b=9", 404),
        ("/api/r/x", 422),
    ):
        answer = ada.client.get(path)
        assert answer.status_code == status, path
        assert set(answer.json()) == {"error", "where", "hint"}
    assert ada.client.get("/api/r/r1/act").headers["allow"] == "POST"


def test_a_full_disk_is_507_and_focus_adds_up(ada: Browser) -> None:
    ada.reviews.full = True
    post(ada, "/api/r/r1/act", 507, verb="confirm", item="posture", version=1)
    for _ in range(2):
        post(ada, "/api/r/r1/focus", 204, item="posture", seconds=20)
    assert json.loads(ada.get("/api/r/r1"))["focus"] == {"posture": 40.0}


def test_the_description_names_every_operation_once(ada: Browser) -> None:
    described = json.loads(ada.get("/api/openapi.json"))
    names = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names)) == 20
    assert all(path.startswith("/api/") for path in described["paths"])
    for path in described["paths"].values():
        for operation in path.values():
            assert {"401", "403", "404", "413", "421", "422"} <= set(operation["responses"])


def test_several_reviews_stand_side_by_side() -> None:
    ada = Browser(CaseReviews("dify", "abridge"))
    sides = json.loads(ada.get("/api/compare?keys=r1,r2"))
    assert [column["product"] for column in sides["columns"]] == ["Dify", "Abridge"]
    assert any(not cell["known"] for line in sides["lines"] for cell in line["cells"])
    ada.get("/api/compare?keys=r1,r7", 404)
