"""Vendor families, by the drafter's own rule: what is left out of a measurement is also left out of a prompt."""

from agent.drafting_old.families import Identity, families, family_key, name_words, same_family

__all__ = ["Identity", "families", "family_key", "name_words", "same_family"]
