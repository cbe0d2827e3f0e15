"""The partner's sync API as this sandbox serves it."""
