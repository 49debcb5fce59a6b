"""From bytes to documents and statements. Nothing here opens a socket."""
