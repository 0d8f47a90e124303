"""Numerics shared by every room: arrays in, arrays out; numpy and scipy only."""
