"""What works on this machine, whether both stores agree, and repairing them."""
