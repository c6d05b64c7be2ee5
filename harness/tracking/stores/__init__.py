"""The databases, files and servers of studies: addresses, locks, reconnection."""
