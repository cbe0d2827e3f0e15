"""The page on which operators see every connection and run a school again."""
