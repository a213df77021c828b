"""A plugin whose hook returns something else."""
