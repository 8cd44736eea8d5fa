"""Work on what strangers wrote, in processes that have no files and no network, and may die."""
