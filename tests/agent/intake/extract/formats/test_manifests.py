"""Manifests of plugins, extensions and apps as sentences, and llms.txt."""

import json

import pytest

from agent.intake.extract.parse import read_page, sniff
from agent.settings import Settings

SERVERS = {
    "files": {"command": "npx", "args": ["-y", "@acme/files"], "env": {"TOKEN": "s3cr3t-value"}, "alwaysAllow": ["rm"]}
}


def parsed(value, name="manifest.json"):
    body = (value if isinstance(value, str) else json.dumps(value)).encode()
    return read_page(body, sniff(body, "", name), "", name, Settings())


@pytest.mark.parametrize(
    ("value", "name", "said"),
    [
        (
            {
                "schema_version": "v1",
                "name_for_human": "Acme",
                "name_for_model": "acme",
                "description_for_human": "Reads mail.",
                "auth": {"type": "oauth", "scope": "mail.read"},
                "api": {"type": "openapi", "url": "https://a.example/openapi.json"},
            },
            "Acme",
            ["Acme", "Reads mail.", "The plugin is authorised by oauth with the scopes mail.read."],
        ),
        (
            {
                "manifest_version": 3,
                "name": "Clip",
                "description": "Clips pages.",
                "permissions": ["tabs", "scripting"],
                "host_permissions": ["<all_urls>"],
                "content_scripts": [{"matches": ["https://mail.example/*"], "js": ["a.js"]}],
            },
            "Clip",
            [
                "Clips pages.",
                "The browser extension Clip has the permission tabs.",
                "The browser extension Clip may read and change pages at <all_urls>",
                "The browser extension Clip runs a script in pages at https://mail.example/*",
            ],
        ),
        (
            {
                "display_information": {"name": "Desk", "description": "Answers."},
                "oauth_config": {"scopes": {"bot": ["chat:write"], "user": ["files:read"]}},
                "settings": {"event_subscriptions": {"bot_events": ["message.im"]}},
            },
            "Desk",
            [
                "The Slack app Desk has the bot scope chat:write.",
                "The Slack app Desk has the user scope files:read.",
                "The Slack app Desk is told of the bot event message.im.",
            ],
        ),
        (
            {
                "name": "Merge",
                "url": "https://m.example",
                "default_permissions": {"contents": "write"},
                "default_events": ["push"],
            },
            "Merge",
            ["The GitHub App Merge has write access to contents.", "The GitHub App Merge is told of the event push."],
        ),
        (
            {
                "name": "kit",
                "description": "Tools for teams.",
                "commands": ["./commands/deploy.md"],
                "hooks": {"PostToolUse": [{"hooks": [{"type": "command", "command": "./run.sh"}]}]},
                "mcpServers": SERVERS,
            },
            "kit",
            [
                "The plugin kit brings the command ./commands/deploy.md.",
                "On PostToolUse the plugin kit runs the command ./run.sh",
                "MCP server files runs the command npx -y @acme/files",
            ],
        ),
        (
            {
                "name": "shelf",
                "owner": {"name": "Acme"},
                "plugins": [{"name": "a", "source": "./a", "description": "B."}],
            },
            "shelf",
            ["Author: Acme", "Plugin a of shelf: B."],
        ),
        (
            {
                "name": "ed",
                "displayName": "Ed",
                "engines": {"vscode": "^1.90.0"},
                "contributes": {"languageModelTools": [{"name": "run", "modelDescription": "Runs tests."}]},
            },
            "Ed",
            ["The editor extension Ed brings the tool for an LLM run: Runs tests."],
        ),
        (
            {"mcpServers": SERVERS},
            "",
            ["environment variable TOKEN | given to MCP server files", "Tools of files that run without asking: rm"],
        ),
    ],
)
def test_a_manifest_says_in_sentences_what_it_asks_for(value, name, said):
    page = parsed(value)
    lines = [block.text for block in page.blocks]
    assert (page.form, page.name) == ("manifest", name)
    assert [line for line in said if line not in lines] == []
    assert "s3cr3t-value" not in "\n".join(lines)


def test_a_listing_stays_a_listing():
    page = parsed({"name": "Acme", "tagline": "Mail.", "features": ["Sends mail"], "skills": ["writing"]})
    assert page.form == "prose"
    assert "Sends mail" in [block.text for block in page.blocks]


LLMS = """# Acme

> Reads mail and drafts replies.

Words of the vendor.

## Docs

- [Security](https://acme.example/security): who may approve
- [API](/api.md)

## Optional

- [Blog](https://acme.example/blog)
"""


def test_llms_txt_gives_its_title_summary_sections_and_links_with_their_notes():
    page = parsed(LLMS, "llms.txt")
    assert page.title == "Acme"
    assert [(block.kind, block.text) for block in page.blocks] == [
        ("heading", "Acme"),
        ("paragraph", "Reads mail and drafts replies."),
        ("paragraph", "Words of the vendor."),
        ("heading", "Docs"),
        ("item", "Security: who may approve"),
        ("item", "API"),
        ("heading", "Optional"),
        ("item", "Blog"),
    ]
    assert [(link.href, link.text) for link in page.links] == [
        ("https://acme.example/security", "Security"),
        ("/api.md", "API"),
        ("https://acme.example/blog", "Blog"),
    ]
