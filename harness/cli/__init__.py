"""The command line: options and exit codes that the commands share."""
