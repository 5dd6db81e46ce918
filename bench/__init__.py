"""Benchmarks: they print figures as ratios against a limit measured in the same run. They are not tests."""
