"""What the law asks of whoever holds pupils' data."""
