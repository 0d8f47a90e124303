"""Plots of single results."""
