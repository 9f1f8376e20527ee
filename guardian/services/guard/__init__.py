"""Budgets, alerts, forecasts, reports."""
