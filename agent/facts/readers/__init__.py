"""Fact readers that share one interface: each proposes facts with quotes, and none is trusted."""
