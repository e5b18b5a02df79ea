"""Simulators of QAOA states."""
