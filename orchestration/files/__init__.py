"""Data that comes to the platform as a file and not through a partner: CTF, templates, examination results."""
