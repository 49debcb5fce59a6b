"""The local review app: access control (`access`), pages and their JSON API, templates and one small script."""
