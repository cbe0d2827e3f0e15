"""Target setting: policies, targets as an append-only log, and what may be done with them (docs/targets.md).

``faults``, ``policy``, ``rules``, ``upn`` and ``files`` know no database. ``log`` reads and appends; ``service`` is the
door: every call checks the person's rights first, and the pages, the API and the commands go through it.
"""
