"""The seven layers: whether the sources settle one, and its paragraph."""
