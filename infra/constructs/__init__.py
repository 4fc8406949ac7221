"""Logical units with an opinion, one class a file; stacks compose them."""
