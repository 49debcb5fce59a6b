"""Chunks are verbatim, cover the words, and hold the statements."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.evidence.statements import statements
from agent.records import Document, Section
from agent.retrieval.chunk import chunks, context_line, owners
from agent.settings import Settings

SMALL = Settings(chunk_chars=80, chunk_overlap_chars=20)


def document(*parts: tuple[tuple[str, ...], str], key: str = "D1") -> Document:
    text, sections = "", []
    for path, body in parts:
        sections.append(Section(start=len(text), end=len(text) + len(body), path=path, about="product"))
        text += body
    return Document(
        id=key,
        sha256="0" * 64,
        url=f"{key}.md",
        title="Mailer",
        kind="docs",
        media_type="text/markdown",
        fetched_at="2026-11-01T00:00:00Z",
        text=text,
        sections=tuple(s for s in sections if s.end > s.start),
    )


def test_the_context_line_names_title_and_headings_once() -> None:
    page = document(((), "x"))
    assert context_line(page, ("Mailer", "Security", "Keys")) == "Mailer › Security › Keys"
    assert context_line(page, ()) == "Mailer"


def test_chunks_do_not_cross_headings_and_overlap_inside() -> None:
    long = " ".join(f"Sentence number {n} says something." for n in range(12))
    page = document((("A",), f"A\n{long}\n"), (("B",), "B\nIt is short.\n"))
    made = chunks((page,), SMALL)
    assert [c.path for c in made].count(("B",)) == 1
    assert made[-1].text == "B\nIt is short."
    assert all(len(c.text) <= SMALL.chunk_chars for c in made)
    inside = [c for c in made if c.path == ("A",)]
    assert len(inside) > 3
    assert any(later.start < sooner.end for sooner, later in pairwise(inside))


def test_a_text_that_fits_is_cut_as_the_splitter_would() -> None:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    text = "\n\n One section.\nWith two lines.\t\n"
    splitter = RecursiveCharacterTextSplitter(chunk_size=80, chunk_overlap=20, add_start_index=True)
    made = chunks((document(((), text)),), SMALL)
    assert [(c.text, c.start) for c in made] == [
        (piece.page_content, piece.metadata["start_index"]) for piece in splitter.create_documents([text])
    ]


WORDS = st.text(alphabet=st.sampled_from("ab .\n\té—"), min_size=0, max_size=400)


@given(st.lists(WORDS, min_size=1, max_size=3), st.integers(5, 90), st.integers(0, 40))
def test_chunks_are_verbatim_and_leave_no_word_out(parts: list[str], size: int, overlap: int) -> None:
    page = document(*(((f"H{n}",), part) for n, part in enumerate(parts)))
    made = chunks((page,), Settings(chunk_chars=size, chunk_overlap_chars=overlap))
    covered = bytearray(len(page.text))
    for chunk in made:
        assert page.text[chunk.start : chunk.end] == chunk.text
        covered[chunk.start : chunk.end] = b"\1" * len(chunk.text)
    assert all(covered[at] or char.isspace() for at, char in enumerate(page.text))
    assert all(sooner.start < later.start for sooner, later in pairwise(made))


@given(st.lists(WORDS, min_size=1, max_size=3))
def test_every_statement_belongs_to_the_chunk_that_holds_most_of_it(parts: list[str]) -> None:
    pages = tuple(document(((), part), key=f"D{n}") for n, part in enumerate(parts))
    found = statements(pages)
    made = chunks(pages, Settings(chunk_chars=30, chunk_overlap_chars=10))

    def shared(statement: int, chunk: int) -> int:
        one, other = found[statement], made[chunk]
        return min(one.end, other.end) - max(one.start, other.start) if one.document == other.document else 0

    for statement, chunk in enumerate(owners(found, made)):
        best = max(range(len(made)), key=lambda c: (shared(statement, c), -c))
        assert chunk == best
