"""The command line: what the commands share, their options and exit codes."""
