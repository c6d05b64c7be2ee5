"""A study in its stores: opened, its trials, its sampler and its lock."""
