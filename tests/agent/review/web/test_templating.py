"""What is rendered once with blanks says the same as what is rendered for each item, whatever a review says."""

import pytest
from hypothesis import given, settings, strategies as st
from markupsafe import Markup

from agent.review.domain.acts import now_of
from agent.review.web.forms import Field, fields_for
from agent.review.web.templating import Part, alike_field, blank, environment
from tests.fakes.review.reviewing import Desk

DESK = Desk.of_case("dify")
FIELDS = tuple(
    field
    for one in DESK.state.items
    for field in fields_for(one.item.kind, now_of(DESK.state, one), DESK.state.reviewed)
)


def rendered(field: Field, prefix: str) -> str:
    return environment().get_template("field.html").render(one=field, prefix=prefix, rows=field.rows)


def test_a_part_is_filled_in_and_values_are_escaped_unless_they_are_markup() -> None:
    part = Part.of(f"<b>{blank('one')}</b>{blank('two')}{blank('one')}")
    assert part.filled({"one": "<", "two": Markup("<i>")}) == "<b>&lt;</b><i>&lt;"
    assert Part.of("plain").filled({}) == "plain"


def test_a_value_that_looks_like_a_blank_is_none() -> None:
    part = Part.of(f"{blank('one')} {blank('two')}")
    assert part.filled({"one": blank("two"), "two": "said"}) == f"{blank('two')} said"


@pytest.mark.parametrize("kind", sorted({field.kind for field in FIELDS}))
def test_a_field_is_the_same_as_without_blanks(kind: str) -> None:
    own = [field for field in FIELDS if field.kind == kind and field.name != "headline"]
    assert own
    for field in own:
        assert alike_field(field, "item-x") == rendered(field, "item-x")


@settings(deadline=None)
@given(st.sampled_from(("line", "listed", "area")), st.text(max_size=400), st.sampled_from(("item-x", "item-<y>")))
def test_a_field_says_any_text(kind: str, text: str, prefix: str) -> None:
    field = next(each for each in FIELDS if each.kind == kind)._replace(value=text)
    assert alike_field(field, prefix) == rendered(field, prefix)


def test_what_a_review_names_is_kept_in_no_part() -> None:
    headline = next(each for each in FIELDS if each.name == "headline")
    assert alike_field(headline, "item-score") == ""
