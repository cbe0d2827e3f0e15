"""Quality gates: suites of rules in JSON, evaluated by Great Expectations, with quarantine, record and report."""
