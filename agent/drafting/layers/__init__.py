"""The seven layers: whether the sources settle each of them, and its paragraph."""
