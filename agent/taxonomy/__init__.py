"""The threat-model vocabularies: keys, published lists, and a linter for their ids."""
