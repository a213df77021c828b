"""The core of Banyan: registry, branches and access, hooks, web kit, jobs, import and export."""

__version__ = "0.1.0"
