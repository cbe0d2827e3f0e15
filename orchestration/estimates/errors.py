"""What estimates refuse, in plain English: the base of every error of this package."""


class EstimateError(ValueError):
    """Something cannot be estimated, loaded or switched as asked; the message says why and what can."""
