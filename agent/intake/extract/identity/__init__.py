"""Determines which product the sources are about: its name, other spellings, vendor, repository."""
