"""Speed, measured side by side on this machine: ratios, since absolute times compare badly."""
