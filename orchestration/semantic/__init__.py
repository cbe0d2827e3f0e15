"""The semantic layer: metrics by name, by whatever dimension, without SQL and without a cloud account."""
