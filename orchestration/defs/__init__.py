"""Dagster's view of the platform: thin wiring, one file a stage."""

import warnings

import dagster as dg

# Backfill policies carry a beta mark in 1.13; the version is pinned, and the warning would head the output of each run.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
