"""Reports and exports of a draft."""
