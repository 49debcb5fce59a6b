"""One reader a format: HTML, Markdown, PDF, JSON and YAML manifests, OpenAPI, site maps."""
