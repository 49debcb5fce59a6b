"""The threats of a draft: the catalogue matched against facts, severities, the headline, what is shown, chains."""
