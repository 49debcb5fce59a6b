"""Stores reviews in one SQLite file: drafts as blobs, events in a hash chain, and the queue."""
