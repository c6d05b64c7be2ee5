"""The parts of a page: answers, tables, figures, verdicts, provenance."""
