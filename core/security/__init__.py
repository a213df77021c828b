"""Who may do what, where: users, roles, branches, sessions, audit."""
