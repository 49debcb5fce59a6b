# ruff: noqa: E501  (a page is one word)
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


def _table(text: str) -> dict[str, tuple[Wanted, ...]]:
    """Read folders, each with lines of `topic: path path …`."""
    found: dict[str, list[Wanted]] = {}
    folder = ""
    for line in text.strip().splitlines():
        topic, colon, paths = line.strip().partition(": ")
        if colon:
            found[folder].append(Wanted(topic, tuple(paths.split())))
        else:
            folder = topic
            found[folder] = []
    return {name: tuple(wanted) for name, wanted in found.items()}


DEVELOPED: Final = _table("""
cline
  authentication: docs/api/authentication.mdx
  approval: docs/features/auto-approve.mdx
  permissions: docs/sdk/guides/permission-handling.mdx
  tools: docs/sdk/tools.mdx
  mcp: docs/mcp/mcp-overview.mdx
  policy: docs/enterprise-solutions/configuration/infrastructure-configuration/control-other-cline-features/mcp-server-controls.mdx
  telemetry: docs/enterprise-solutions/monitoring/opentelemetry.mdx docs/enterprise-solutions/monitoring/opentelemetry_override.mdx
  memory: docs/best-practices/memory-bank.mdx
  agents: docs/cli/agent-teams.mdx
  plugins: docs/sdk/plugin-install.mdx
gptme
  security: docs/security.html
  configuration: docs/config.html
  computer use: docs/computer-use-warning.html
  approval: docs/design/hook-based-confirmations.md
  mcp: docs/mcp.html
  server: docs/server.html
  shell: docs/lessons/tools/shell.md
  browser: docs/browser.md docs/lessons/tools/browser.md
  bot: docs/bot.md docs/bot.html
openai-agents-python
  guardrails: docs/guardrails.md guardrails/index.html
  approval: docs/human_in_the_loop.md human_in_the_loop/index.html
  mcp: docs/mcp.md mcp/index.html
  tools: docs/tools.md tools/index.html
  sandbox: docs/sandbox_agents.md sandbox/guide/index.html
  memory: docs/sandbox/memory.md
  configuration: docs/config.md
  tracing: tracing/index.html
  agents: docs/multi_agent.md
  llms: docs/models/index.md
taskweaver
  code execution: website/docs/code_execution.md docs/code_execution/index.html
  configuration: website/docs/configurations/overview.md docs/configurations/overview/index.html
  configuration: website/docs/configurations/configurations_in_detail.md docs/configurations/configurations_in_detail/index.html
  memory: website/docs/memory.md docs/memory/index.html
  telemetry: website/docs/advanced/telemetry.md
  observability: website/docs/advanced/observability.md
  deployment: website/docs/usage/docker.md
  llms: website/docs/llms/multi-llm.md website/docs/llms/customized_llm_api.md
  sessions: website/docs/concepts/session.md
marvin
  configuration: docs/configuration/settings/index.html docs/api-reference/marvin-settings.mdx
  tools: docs/concepts/tools-and-context.mdx
  mcp: docs/guides/mcp.mdx
  agents: docs/concepts/teams.mdx
  llms: docs/guides/configure-llms.mdx
  storage: docs/guides/database-migrations.mdx docs/api-reference/marvin-database.mdx
  installation: docs/installation.mdx
  cli: docs/interactive/cli/index.html
  memory: docs/api-reference/marvin-memory-providers-postgres.mdx
langroid
  mcp: docs/notes/mcp-tools.md
  tools: docs/notes/tool-message-handler.md docs/quick-start/chat-agent-tool.md
  credentials: docs/notes/rotating-api-keys.md
  database: docs/tutorials/postgresql-agent.md
  faq: docs/FAQ.md
  storage: docs/notes/pgvector.md
  llms: docs/tutorials/non-openai-llms.md
""")
COUNTED: Final = _table("""
crewai
  security: docs/edge/en/mcp/security.mdx
  memory: docs/edge/en/concepts/memory.mdx
  approval: docs/edge/en/learn/human-in-the-loop.mdx docs/edge/en/learn/human-input-on-execution.mdx
  hooks: docs/edge/en/learn/execution-hooks.mdx docs/edge/en/learn/execution-boundary-hooks.mdx
  llms: docs/edge/en/concepts/llms.mdx
  database: docs/edge/en/tools/database-data/nl2sqltool.mdx
  tools: docs/edge/en/tools/database-data/overview.mdx
  mcp: docs/edge/en/mcp/multiple-servers.mdx
holmesgpt
  permissions: docs/data-sources/permissions.md
  permissions: docs/reference/kubernetes-permissions.md
  mcp: docs/data-sources/remote-mcp-servers.md
  shell: docs/data-sources/builtin-toolsets/bash.md data-sources/builtin-toolsets/bash/index.html
  configuration: docs/reference/helm-configuration.md
  api: docs/reference/http-api.md
  installation: docs/installation/ui-installation.md
  llms: docs/ai-providers/using-multiple-providers.md
ovos
  bus and its security: 100-bus_service/index.html
  configuration: 110-config/index.html
  remote agents: docs/152-hivemind-agents.md
  agents: 150-personas/index.html
  installation: docs/50-ovos_installer.md
  settings: docs/408-skill_settings.md
  sessions: docs/504-session.md
  self-hosting: 200-stt_server/index.html
voltagent
  authorization: website/docs/agents/mcp/authorization.md
  memory: website/docs/agents/memory/overview.md
  tools: website/docs/agents/tools.md
  guardrails: website/docs/guardrails/overview.md
  guardrails: website/docs/guardrails/built-in.md
  security: website/docs/workspaces/security.md
  observability: website/docs/observability/overview.md website/docs/observability/developer-console.md
  deployment: website/docs/deployment.md
  hooks: website/docs/agents/hooks.md
camel-ja
  tools: docs/key_modules/tools.md
  shell: docs/key_modules/terminaltoolkit.md
  browser: docs/key_modules/browsertoolkit.md
  memory: docs/key_modules/memory.md
  storage: docs/key_modules/storages.md
  llms: docs/key_modules/models.md
  agents: docs/key_modules/agents.md key_modules/agents.html
  multi-agent: docs/key_modules/societies.md docs/key_modules/society.md
  code execution: key_modules/interpreters.html
gemini-cli
  sandbox: docs/cli/sandbox.md
  telemetry: docs/cli/telemetry.md
  authentication: docs/get-started/authentication.mdx
  policy: docs/reference/policy-engine.md
  controls: docs/admin/enterprise-controls.md
  privacy: docs/resources/tos-privacy.md
  mcp: docs/tools/mcp-server.md
  shell: docs/tools/shell.md
  memory: docs/tools/memory.md docs/cli/auto-memory.md
  skills: docs/cli/using-agent-skills.md
ufo
  mcp: client/mcp_integration/index.html documents/docs/client/mcp_integration.md
  mcp: configuration/system/mcp_reference/index.html
  configuration: configuration/system/system_config/index.html
  shell: documents/docs/mcp/servers/command_line_executor.md
  computer use: documents/docs/mcp/servers/host_ui_executor.md
  memory: documents/docs/infrastructure/agents/design/memory.md
  data: documents/docs/mcp/data_collection.md
  commands: documents/docs/ufo2/host_agent/commands.md
  llms: documents/docs/configuration/models/overview.md
""")
