"""What a person sees of a search: its events, the terminal, the closing summary."""
