"""`septet explain DRAFT [ITEM]`: show where a number or statement of a draft comes from."""

from pathlib import Path

import click


@click.command("explain")
@click.argument("draft", type=click.Path(path_type=Path), metavar="DRAFT")
@click.argument("item", required=False, metavar="[ITEM]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(draft: Path, item: str | None, as_json: bool) -> None:
    """Explain ITEM of DRAFT (a folder or a draft.json): its parts, quotes and rules, and what would change it.

    ITEM is a factor (autonomy_of_action), a layer (agent_frameworks or L3), a threat (its id or T1), a fact (its id), a
    quote (E4), a question (Q2), a chain (its title or "chain 1"), or score. Without ITEM, the score's arithmetic and
    its most influential inputs are shown. On loading, the stored score is recomputed and the quotes are checked.

    \b
    Examples:
      septet explain acme
      septet explain acme autonomy_of_action
      septet explain acme/draft.json E4 --json
    """
    from agent.report.draft_json import load
    from agent.report.explain.explanation import explain, text
    from agent.report.explain.explanation_items import as_json_text

    explanation = explain(load(draft), item)
    click.echo(as_json_text(explanation) if as_json else text(explanation), nl=False)
