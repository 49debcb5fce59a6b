"""What an expert who reads for a threat model wants first of documentation folders of real products.

Paths are those of the folders' list of sources; a page that is there twice (in two renderings, or two pages of one
subject of which one is enough) has all its paths. Chosen by titles and headings before any crawl of the folder; the
rules of the crawl were developed on the folders of the first half and counted on those of the second.
"""

from typing import Final, NamedTuple


class Wanted(NamedTuple):
    """A page wanted first: its topic, and its paths, of which one is enough."""

    topic: str
    paths: tuple[str, ...]


DEVELOPED: Final[dict[str, tuple[Wanted, ...]]] = {
    "cline": (
        Wanted("authentication", ("docs/api/authentication.mdx",)),
        Wanted("approval", ("docs/features/auto-approve.mdx",)),
        Wanted("permissions", ("docs/sdk/guides/permission-handling.mdx",)),
        Wanted("tools", ("docs/sdk/tools.mdx",)),
        Wanted("mcp", ("docs/mcp/mcp-overview.mdx",)),
        Wanted(
            "policy",
            (
                "docs/enterprise-solutions/configuration/infrastructure-configuration/control-other-cline-features/mcp-server-controls.mdx",
            ),
        ),
        Wanted(
            "telemetry",
            (
                "docs/enterprise-solutions/monitoring/opentelemetry.mdx",
                "docs/enterprise-solutions/monitoring/opentelemetry_override.mdx",
            ),
        ),
        Wanted("memory", ("docs/best-practices/memory-bank.mdx",)),
        Wanted("agents", ("docs/cli/agent-teams.mdx",)),
        Wanted("plugins", ("docs/sdk/plugin-install.mdx",)),
    ),
    "gptme": (
        Wanted("security", ("docs/security.html",)),
        Wanted("configuration", ("docs/config.html",)),
        Wanted("computer use", ("docs/computer-use-warning.html",)),
        Wanted("approval", ("docs/design/hook-based-confirmations.md",)),
        Wanted("mcp", ("docs/mcp.html",)),
        Wanted("server", ("docs/server.html",)),
        Wanted("shell", ("docs/lessons/tools/shell.md",)),
        Wanted(
            "browser",
            (
                "docs/browser.md",
                "docs/lessons/tools/browser.md",
            ),
        ),
        Wanted(
            "bot",
            (
                "docs/bot.md",
                "docs/bot.html",
            ),
        ),
    ),
    "openai-agents-python": (
        Wanted(
            "guardrails",
            (
                "docs/guardrails.md",
                "guardrails/index.html",
            ),
        ),
        Wanted(
            "approval",
            (
                "docs/human_in_the_loop.md",
                "human_in_the_loop/index.html",
            ),
        ),
        Wanted(
            "mcp",
            (
                "docs/mcp.md",
                "mcp/index.html",
            ),
        ),
        Wanted(
            "tools",
            (
                "docs/tools.md",
                "tools/index.html",
            ),
        ),
        Wanted(
            "sandbox",
            (
                "docs/sandbox_agents.md",
                "sandbox/guide/index.html",
            ),
        ),
        Wanted("memory", ("docs/sandbox/memory.md",)),
        Wanted("configuration", ("docs/config.md",)),
        Wanted("tracing", ("tracing/index.html",)),
        Wanted("agents", ("docs/multi_agent.md",)),
        Wanted("llms", ("docs/models/index.md",)),
    ),
    "taskweaver": (
        Wanted(
            "code execution",
            (
                "website/docs/code_execution.md",
                "docs/code_execution/index.html",
            ),
        ),
        Wanted(
            "configuration",
            (
                "website/docs/configurations/overview.md",
                "docs/configurations/overview/index.html",
            ),
        ),
        Wanted(
            "configuration",
            (
                "website/docs/configurations/configurations_in_detail.md",
                "docs/configurations/configurations_in_detail/index.html",
            ),
        ),
        Wanted(
            "memory",
            (
                "website/docs/memory.md",
                "docs/memory/index.html",
            ),
        ),
        Wanted("telemetry", ("website/docs/advanced/telemetry.md",)),
        Wanted("observability", ("website/docs/advanced/observability.md",)),
        Wanted("deployment", ("website/docs/usage/docker.md",)),
        Wanted(
            "llms",
            (
                "website/docs/llms/multi-llm.md",
                "website/docs/llms/customized_llm_api.md",
            ),
        ),
        Wanted("sessions", ("website/docs/concepts/session.md",)),
    ),
    "marvin": (
        Wanted(
            "configuration",
            (
                "docs/configuration/settings/index.html",
                "docs/api-reference/marvin-settings.mdx",
            ),
        ),
        Wanted("tools", ("docs/concepts/tools-and-context.mdx",)),
        Wanted("mcp", ("docs/guides/mcp.mdx",)),
        Wanted("agents", ("docs/concepts/teams.mdx",)),
        Wanted("llms", ("docs/guides/configure-llms.mdx",)),
        Wanted(
            "storage",
            (
                "docs/guides/database-migrations.mdx",
                "docs/api-reference/marvin-database.mdx",
            ),
        ),
        Wanted("installation", ("docs/installation.mdx",)),
        Wanted("cli", ("docs/interactive/cli/index.html",)),
        Wanted("memory", ("docs/api-reference/marvin-memory-providers-postgres.mdx",)),
    ),
    "langroid": (
        Wanted("mcp", ("docs/notes/mcp-tools.md",)),
        Wanted(
            "tools",
            (
                "docs/notes/tool-message-handler.md",
                "docs/quick-start/chat-agent-tool.md",
            ),
        ),
        Wanted("credentials", ("docs/notes/rotating-api-keys.md",)),
        Wanted("database", ("docs/tutorials/postgresql-agent.md",)),
        Wanted("faq", ("docs/FAQ.md",)),
        Wanted("storage", ("docs/notes/pgvector.md",)),
        Wanted("llms", ("docs/tutorials/non-openai-llms.md",)),
    ),
}
"""Folders that the rules were developed on."""

COUNTED: Final[dict[str, tuple[Wanted, ...]]] = {
    "crewai": (
        Wanted("security", ("docs/edge/en/mcp/security.mdx",)),
        Wanted("memory", ("docs/edge/en/concepts/memory.mdx",)),
        Wanted(
            "approval",
            (
                "docs/edge/en/learn/human-in-the-loop.mdx",
                "docs/edge/en/learn/human-input-on-execution.mdx",
            ),
        ),
        Wanted(
            "hooks",
            (
                "docs/edge/en/learn/execution-hooks.mdx",
                "docs/edge/en/learn/execution-boundary-hooks.mdx",
            ),
        ),
        Wanted("llms", ("docs/edge/en/concepts/llms.mdx",)),
        Wanted("database", ("docs/edge/en/tools/database-data/nl2sqltool.mdx",)),
        Wanted("tools", ("docs/edge/en/tools/database-data/overview.mdx",)),
        Wanted("mcp", ("docs/edge/en/mcp/multiple-servers.mdx",)),
    ),
    "holmesgpt": (
        Wanted("permissions", ("docs/data-sources/permissions.md",)),
        Wanted("permissions", ("docs/reference/kubernetes-permissions.md",)),
        Wanted("mcp", ("docs/data-sources/remote-mcp-servers.md",)),
        Wanted(
            "shell",
            (
                "docs/data-sources/builtin-toolsets/bash.md",
                "data-sources/builtin-toolsets/bash/index.html",
            ),
        ),
        Wanted("configuration", ("docs/reference/helm-configuration.md",)),
        Wanted("api", ("docs/reference/http-api.md",)),
        Wanted("installation", ("docs/installation/ui-installation.md",)),
        Wanted("llms", ("docs/ai-providers/using-multiple-providers.md",)),
    ),
    "ovos": (
        Wanted("bus and its security", ("100-bus_service/index.html",)),
        Wanted("configuration", ("110-config/index.html",)),
        Wanted("remote agents", ("docs/152-hivemind-agents.md",)),
        Wanted("agents", ("150-personas/index.html",)),
        Wanted("installation", ("docs/50-ovos_installer.md",)),
        Wanted("settings", ("docs/408-skill_settings.md",)),
        Wanted("sessions", ("docs/504-session.md",)),
        Wanted("self-hosting", ("200-stt_server/index.html",)),
    ),
    "voltagent": (
        Wanted("authorization", ("website/docs/agents/mcp/authorization.md",)),
        Wanted("memory", ("website/docs/agents/memory/overview.md",)),
        Wanted("tools", ("website/docs/agents/tools.md",)),
        Wanted("guardrails", ("website/docs/guardrails/overview.md",)),
        Wanted("guardrails", ("website/docs/guardrails/built-in.md",)),
        Wanted("security", ("website/docs/workspaces/security.md",)),
        Wanted(
            "observability",
            (
                "website/docs/observability/overview.md",
                "website/docs/observability/developer-console.md",
            ),
        ),
        Wanted("deployment", ("website/docs/deployment.md",)),
        Wanted("hooks", ("website/docs/agents/hooks.md",)),
    ),
    "camel-ja": (
        Wanted("tools", ("docs/key_modules/tools.md",)),
        Wanted("shell", ("docs/key_modules/terminaltoolkit.md",)),
        Wanted("browser", ("docs/key_modules/browsertoolkit.md",)),
        Wanted("memory", ("docs/key_modules/memory.md",)),
        Wanted("storage", ("docs/key_modules/storages.md",)),
        Wanted("llms", ("docs/key_modules/models.md",)),
        Wanted(
            "agents",
            (
                "docs/key_modules/agents.md",
                "key_modules/agents.html",
            ),
        ),
        Wanted(
            "multi-agent",
            (
                "docs/key_modules/societies.md",
                "docs/key_modules/society.md",
            ),
        ),
        Wanted("code execution", ("key_modules/interpreters.html",)),
    ),
    "gemini-cli": (
        Wanted("sandbox", ("docs/cli/sandbox.md",)),
        Wanted("telemetry", ("docs/cli/telemetry.md",)),
        Wanted("authentication", ("docs/get-started/authentication.mdx",)),
        Wanted("policy", ("docs/reference/policy-engine.md",)),
        Wanted("controls", ("docs/admin/enterprise-controls.md",)),
        Wanted("privacy", ("docs/resources/tos-privacy.md",)),
        Wanted("mcp", ("docs/tools/mcp-server.md",)),
        Wanted("shell", ("docs/tools/shell.md",)),
        Wanted(
            "memory",
            (
                "docs/tools/memory.md",
                "docs/cli/auto-memory.md",
            ),
        ),
        Wanted("skills", ("docs/cli/using-agent-skills.md",)),
    ),
    "ufo": (
        Wanted(
            "mcp",
            (
                "client/mcp_integration/index.html",
                "documents/docs/client/mcp_integration.md",
            ),
        ),
        Wanted("mcp", ("configuration/system/mcp_reference/index.html",)),
        Wanted("configuration", ("configuration/system/system_config/index.html",)),
        Wanted("shell", ("documents/docs/mcp/servers/command_line_executor.md",)),
        Wanted("computer use", ("documents/docs/mcp/servers/host_ui_executor.md",)),
        Wanted("memory", ("documents/docs/infrastructure/agents/design/memory.md",)),
        Wanted("data", ("documents/docs/mcp/data_collection.md",)),
        Wanted("commands", ("documents/docs/ufo2/host_agent/commands.md",)),
        Wanted("llms", ("documents/docs/configuration/models/overview.md",)),
    ),
}
"""Folders that were counted; `gemini-cli` and `ufo` were chosen by file names alone, and the misses of `ovos` were
looked at after it had been counted twice."""
