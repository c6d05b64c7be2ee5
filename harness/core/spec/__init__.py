"""Study files: what a study declares, parsed and checked whole before anything runs."""
