"""Documents cut into statements: their role, rank and language, and what vendors claim for themselves."""
