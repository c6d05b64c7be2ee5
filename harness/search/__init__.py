"""The search: a space becomes trials, each trained, scored, tracked and told to Optuna."""
