"""From documents to ranked passages: chunks, vectors, a stored index, hybrid search."""
