"""A pretend card processor: its own process, its own store, the wire format the official SDK speaks."""
