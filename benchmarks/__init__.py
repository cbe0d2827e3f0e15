"""Side-by-side measurements of the platform: ``make bench``, or ``python -m benchmarks --only NAME --quick``.

Each benchmark brings its own server, partner and folder, and measures what it compares in the same run, in turns,
because figures of two different minutes on a shared machine say nothing about each other. Read the ratios.
"""
