"""People who read the published data: what they may see, their logins, and reading on their behalf."""
