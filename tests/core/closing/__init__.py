"""Tests of core/subscriptions."""
