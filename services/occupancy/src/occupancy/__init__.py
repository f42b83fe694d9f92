"""Cameras, the lines that they watch, and how many people are there."""
