"""The databases, files and servers below a study: addresses, locks, reconnection."""
