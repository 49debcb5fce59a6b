"""The web as a crawl sees it: address guard, fetching, politeness, the order of pages, the log of answers."""
