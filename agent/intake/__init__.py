"""Turn sources into documents: address guard, fetching, crawl, extraction, snapshots; `capture` is the entry point."""
