"""Tests of guardian/services/guard."""
