"""What follows from the facts: kind, picture, factors, layers, threats, severity, score. Reads no sentence."""
