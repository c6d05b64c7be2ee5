"""The reference classifiers: networks, training, weights and features."""
