"""The life of plugins: plans, actions with a journal, archives, backups, following the installed set."""
