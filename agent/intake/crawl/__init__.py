"""Crawling: address guard, fetching, robots.txt and delays, the order of pages, the log of answers."""
