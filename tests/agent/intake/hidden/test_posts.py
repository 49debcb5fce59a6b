"""Readers' posts and the markup around them are not main text; content that only resembles them is."""

import pytest

from agent.intake.extract.formats.html import read_html

_PROSE = (
    "<p>The agent reads the mailbox, answers mail, books travel and pays invoices below the limit of the firm.</p>" * 3
)
DELETES = "Deletes comments of other users."


def main_text(body: str) -> list[str]:
    page = read_html(f"<html><head><title>t</title></head><body><main><h1>Acme</h1>{_PROSE}{body}</main></body></html>")
    return [block.text for block in page.blocks if not block.hint]


@pytest.mark.parametrize(
    ("body", "gone"),
    [
        ("<section class=comments><h2>Thoughts</h2><p>Nice one.</p><span>2d ago</span></section>", "Nice one."),
        ("<div><h2>Comments:</h2><p>Nice one.</p><p>Posted by ada at Oct 20</p></div>", "Nice one."),
        ("<div><h2>3 replies</h2><p>Nice one.</p><p>an hour ago</p></div>", "Nice one."),
        *(
            (f"<p>{mark}</p>", mark)
            for mark in (
                *("31 Likes", "412 followers", "3 reviews • 412 followers", "4.2/5 (118)", "2d ago"),
                *("War diese Seite hilfreich?", "You receive this email because you have an account."),
            )
        ),
    ],
)
def test_posts_of_readers_counts_and_set_phrases_are_no_main_text(body: str, gone: str) -> None:
    assert gone not in main_text(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<section id=comments><h2>Comments</h2><p>{}</p></section>", DELETES),
        ("<div><h2>Replies</h2><p>{}</p></div>", DELETES),
        ("<div class=tabs><div>{}</div></div>", DELETES),
        ("<div class=post-meta>{} <time>Nov 2</time></div>", f"{DELETES} Nov 2"),
        ("<button><b>DELETE</b> <i>/comments</i> <span>{}</span></button>", f"DELETE /comments {DELETES}"),
        *(("<p>{}</p>", said) for said in ("24/7", "11", "Unsubscribe", "2 approvals of 3")),
        ("<p>{}</p>", "If you receive this message, the agent has lost its key."),
    ],
)
def test_text_about_posts_and_short_facts_are_main_text(body: str, said: str) -> None:
    assert said in main_text(body.format(DELETES if DELETES in said else said))


def test_the_line_above_a_post_goes_and_a_date_alone_stays() -> None:
    byline = "<div class=post-meta><a href='/u/ada'>ada</a> <time>October 8</time></div>"
    assert not any("ada" in text for text in main_text(byline))
    assert "October 8" in main_text("<div class=post-meta><time>October 8</time></div>")


def test_boxes_side_by_side_stand_apart_and_letters_of_a_word_do_not() -> None:
    assert "Trigger Instant" in main_text("<div><span>Trigger</span><span>Instant</span></div>")
    assert "Goodness" in main_text("<div><span>Good</span><span>ness</span></div>")
    assert "GitHub" in main_text("<div><span>Git</span><span>Hub</span></div>")
