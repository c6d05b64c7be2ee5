"""The reading half: MLflow runs -> tidy tables -> statistics -> plots -> one HTML page."""
