"""Files for other tools, in other tools."""
