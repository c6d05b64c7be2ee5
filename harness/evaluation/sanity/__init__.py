"""Every score on made-up features whose answer is known: the checks of Räisä et al. 2025."""
