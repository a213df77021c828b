"""The commands of `banyan`, one module per noun."""
