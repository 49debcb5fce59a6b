"""Crawling: address guard, fetching, robots.txt and delays, order of pages, log of responses."""
