"""The local review app: who may ask (`access`), pages and their JSON twin, templates and one small script."""
