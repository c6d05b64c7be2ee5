"""Parts of a page about single trials: the leaderboard, the winner's configuration, images."""
