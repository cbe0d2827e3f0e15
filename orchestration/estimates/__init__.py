"""Numeric models: from figures and examples to look-ups and coefficients. Pure; nothing here knows a database."""
