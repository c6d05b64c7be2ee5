"""The MLflow UI: its server as a child process, and the view of a study on which a link opens."""
