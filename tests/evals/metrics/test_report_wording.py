from evals.cases.families import Identity
from evals.metrics.report_wording import generic_counts, main_part, mask, own_ranks, sentences, words

REPORT = """# Acme: agentic threat model

**High, 7.9** before controls. Acme reads mail (E1): “It reads the whole inbox”.

| rank | threat |
|---|---|
| 1 | Planted mail makes it pay |

- **you**: Switch off Acme's payment tool. Ask 3 more people.

```mermaid
graph LR; a --> b this is no sentence
```
# Appendix

Everything else stands here.
"""


def test_sentences_are_prose_without_quotes_numbers_and_names() -> None:
    main = mask(main_part(REPORT), Identity("Acme", None))
    assert "Everything else" not in main
    assert sentences(main) == (
        "high, # before controls",
        "this product reads mail (#)",
        "you : switch off this product's payment tool",
        "ask # more people",
    )
    assert "planted mail makes it pay" in sentences(main, tables=True)


def test_mask_takes_names_vendor_and_their_words() -> None:
    who = Identity("Firecrawl MCP", "Mendable AI (Firecrawl)")
    masked = mask("Firecrawl MCP by Mendable AI (Firecrawl): firecrawl scrapes, MENDABLE sells, an MCP server.", who)
    assert "firecrawl" not in masked.casefold()
    assert "mendable" not in masked.casefold()
    assert "MCP server" in masked


def test_a_sentence_of_a_twentieth_of_the_drafts_is_generic() -> None:
    drafts = [("shared", f"own {n}") for n in range(3)]
    drafts += [(f"own {n}", "twice" if n < 5 else "x" * n) for n in range(3, 60)]
    assert generic_counts(drafts) == (1, 1, 1, *[0] * 57)
    assert generic_counts([("alone",)]) == (0,)
    assert generic_counts([("both", "a"), ("both", "b")]) == (1, 1)


def test_a_report_finds_its_listing_and_an_empty_one_finds_none() -> None:
    listings = [words("reads receipts and books expenses"), words("plays songs"), words("plans trips and books hotels")]
    reports = [words("an agent that books expenses"), words("trips, hotels")]
    assert own_ranks(reports, listings, owners=[0, 2]) == (1, 1)
    assert own_ranks(reports, listings, owners=[1, 1]) == (3, 3)
    assert own_ranks([()], listings, owners=[0]) == (3,)
