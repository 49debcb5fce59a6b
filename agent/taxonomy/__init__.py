"""The threat-model vocabularies: keys and published lists.

`keys` holds what every room shares and costs nothing to import; `lists` reads a published list when it is asked for.
"""
