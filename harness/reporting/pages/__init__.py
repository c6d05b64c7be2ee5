"""The pages: one for a study, one for all claims."""
