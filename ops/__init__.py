"""Running the portal: the local stack, and what full services need."""
