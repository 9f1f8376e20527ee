"""Alerts: the rules that people make, in words, with whom they tell and what came of it."""
