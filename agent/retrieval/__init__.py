"""Turn documents into ranked passages: chunks, vectors, a stored index, hybrid search."""
