"""Datasets as checked uint8 images, and the pixel scalings that networks see them through."""
