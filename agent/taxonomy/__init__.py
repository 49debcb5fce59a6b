"""The threat-model vocabularies: keys and published lists.

`factors`, `kinds` and `layers` contain the keys that every package shares and are cheap to import. `lists` reads a
published list on demand.
"""
