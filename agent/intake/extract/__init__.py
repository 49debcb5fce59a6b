"""Turns bytes into documents and statements. Nothing here opens a network connection."""
