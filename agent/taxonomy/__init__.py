"""The threat-model vocabularies: keys, published lists, and a linter for their ids.

`keys` holds what every room shares and costs nothing to import; `lists` reads a published list when it is asked for.
"""
