"""The threat-model vocabularies: keys and published lists.

`keys` holds what every package shares and is cheap to import; `lists` reads a published list on demand.
"""
