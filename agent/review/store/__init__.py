"""Where reviews are kept: drafts as blobs, events in a hash chain, the queue of drafts, all in one SQLite file."""
