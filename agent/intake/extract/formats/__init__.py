"""One reader for each format: HTML, Markdown, PDF, JSON and YAML manifests, OpenAPI, sitemaps."""
