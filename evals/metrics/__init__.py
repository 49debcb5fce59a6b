"""What is measured of a draft: arithmetic, measures against labels, records of results and their summary."""
