"""Groupcall Xporter on Demand (API v1) as the sandbox serves it (source_apis.md 2)."""
