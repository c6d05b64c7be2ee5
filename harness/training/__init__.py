"""Training: one compiled call per reporting interval, on the images that lie on the device."""
