"""From bytes to blocks: one reader a format, what a person would not see taken out. Nothing here opens a socket."""
