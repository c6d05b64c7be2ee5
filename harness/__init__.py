"""An experiment-tracking benchmark harness for the Keras DCGAN."""
