"""What all plots share: axes, scales, colours and the theme."""
