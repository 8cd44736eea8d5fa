"""What all figures share, and that of a time course. Matplotlib is imported on use."""
