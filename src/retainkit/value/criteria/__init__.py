"""Scores of value: four criteria and their weights, and RFM."""
