"""The search: a space becomes trials, each trained, scored, tracked and reported to Optuna."""
