"""Wonde's sync API v1.0."""
