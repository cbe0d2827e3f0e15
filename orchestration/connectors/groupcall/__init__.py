"""Groupcall Xporter on Demand, API v1 (source_apis.md 2)."""
