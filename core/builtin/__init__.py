"""The screens of the core itself, built on the same hooks as plugins."""
