"""Statements, signals, anchors and certainty: what the sources say, before anything is drafted from it."""
