"""Cohorts of customers, followed through calendar units or their own time."""
