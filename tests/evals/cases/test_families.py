from hypothesis import given, strategies as st

from evals.cases.families import Identity, families, family_key, name_words, same_family

VENDORS = st.sampled_from(
    ["Acme", "Acme Ltd", "acme, inc.", "Globex (Acme)", "Initech", "not stated", "", None, "Unspecified"]
)
NAMES = st.sampled_from(
    ["Acme Agent", "Photo AI", "AI Photo", "Song Maker", "Zorro MCP", "Zorro2", "Initech", "x", "日本"]
)
PRODUCTS = st.builds(Identity, NAMES, VENDORS)


RELATIVES = (
    (Identity("Playwright", "Microsoft"), Identity("AutoGen", "Microsoft Corporation")),
    (Identity("Firecrawl MCP", "Mendable AI (Firecrawl)"), Identity("Mendable", "Mendable (team behind Firecrawl)")),
    (Identity("zscaler-mcp", "Zscaler"), Identity("Zscaler MCP Server", None)),
    (Identity("Exa (Composio MCP)", "Composio"), Identity("Exa MCP Server", "Exa Labs")),
    (Identity("Linear (Official)", "Linear"), Identity("Linear MCP Server", "not stated")),
    (Identity("Sora2 AI", "Sora2 AI"), Identity("Sora 2 AI Center", None)),
    (Identity("AI Photo", None), Identity("ai-photo", "not stated")),
    (Identity("PhotoBot", "ＡＣＭＥ"), Identity("SongBot", "Acme")),
)
STRANGERS = (
    (Identity("AI Phone Agent", "not stated"), Identity("AI Chatbot Support", "not stated")),
    (Identity("PubMed MCP", "cyanheads"), Identity("Airtable MCP Server", "Adam Jones")),
    (Identity("AI Image Editor Agent", None), Identity("AI-Image-Agent", "")),
    (Identity("Song Maker", "Unspecified"), Identity("Photo Maker", "unspecified")),
    (Identity("Notion MCP Server", "Notion Labs"), Identity("Okta MCP Server", "Okta Labs")),
)


def test_relatives_and_strangers() -> None:
    for pairs, kin in ((RELATIVES, True), (STRANGERS, False)):
        for a, b in pairs:
            assert same_family(a, b) is kin, (a, b)
            assert len(set(families([a, b]))) == 2 - kin


def test_keys_are_readable() -> None:
    assert family_key("Playwright", "Microsoft Corporation") == "vendor:microsoft"
    assert family_key("Firecrawl MCP", "Mendable AI (Firecrawl)") == "vendor:mendable ai"
    assert family_key("AI Phone-Agent", "not stated") == "product:ai phone agent"
    assert name_words(Identity("Firecrawl MCP", "Mendable AI (Firecrawl)")) == ("firecrawl", "mendable")


@given(PRODUCTS, PRODUCTS)
def test_kinship_is_symmetric_and_reflexive(a: Identity, b: Identity) -> None:
    assert same_family(a, a)
    assert same_family(a, b) == same_family(b, a)


@given(st.lists(PRODUCTS, max_size=8), st.randoms())
def test_families_hold_relatives_together_whatever_the_order(products: list[Identity], random: object) -> None:
    labels = families(products)
    for a, label in zip(products, labels, strict=True):
        for b, other in zip(products, labels, strict=True):
            assert label == other or not same_family(a, b)
    named = dict(zip(products, labels, strict=True))
    assert dict(zip(sorted(products, key=str), families(sorted(products, key=str)), strict=True)) == named
