"""Bring a package back that production served before."""
