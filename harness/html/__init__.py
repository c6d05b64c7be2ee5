"""How every page of the project is made from a template: one style sheet, one strict policy."""
