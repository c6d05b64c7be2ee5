"""Rankings, estimates with intervals, hypotheses and verdicts."""
