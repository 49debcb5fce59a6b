"""Whose a host name is: strangers below a shared suffix are not the product."""

import pytest

from agent.intake.crawl.sites import registered_domain


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("docs.acme.ai", "acme.ai"),
        ("docs.acme.co.uk", "acme.co.uk"),
        ("docs.acme.co.id", "acme.co.id"),
        ("acme.github.io", "acme.github.io"),
        ("a.acme.vercel.app", "acme.vercel.app"),
        ("docs.acme.zendesk.com", "acme.zendesk.com"),
        ("zendesk.com", "zendesk.com"),
        ("github.io", "github.io"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("localhost", "localhost"),
        ("acme.xn--bcher-kva", "acme.xn--bcher-kva"),
    ],
)
def test_the_domain_that_one_owner_registered(host: str, domain: str) -> None:
    assert registered_domain(host) == domain
