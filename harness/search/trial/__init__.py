"""One trial: trained, scored at every milestone, tracked, resumed."""
