"""Speed and memory of the main operations, each as a ratio to a floor measured in the same run."""
