"""Numeric models: from examples to coefficients. Pure numpy and scikit-learn; nothing here knows a database."""
