"""The shop's own small library."""
