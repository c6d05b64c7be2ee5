"""Networks, optimizers and losses of a TrialConfig."""
