"""Shared by all packages: the trial configuration, stored names, registries and errors."""
