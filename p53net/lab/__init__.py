"""The lab: one HTML file with the batch engine's own code, compiled to WebAssembly."""
