"""How well the scores see planted defects, and the fit of the collapse alarm."""
