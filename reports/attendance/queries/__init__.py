"""The SQL of the attendance pages, one module a page. Every query names its school or the reader's schools."""
