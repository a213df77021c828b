"""Tasks of people and branches: due, repeated, reminded of, taken over while somebody is on leave."""
