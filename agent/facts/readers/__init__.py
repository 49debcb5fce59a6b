"""Readers behind one port: each proposes facts with quotes, and none is trusted."""
