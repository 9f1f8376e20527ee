"""Tests of guardian/gateway/holds."""
