"""Numeric models of estimates and risks: pure functions from published figures to look-up tables."""
