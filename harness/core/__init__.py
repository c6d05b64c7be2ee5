"""What every room shares: the trial configuration, the names, the registries and the errors."""
