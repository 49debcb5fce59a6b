"""The threats of a draft: matching the catalogue against facts, severity, headline, selection and chains."""
