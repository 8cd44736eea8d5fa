"""What p53net's sweep is compared with: other ways to run one model at many points.

Each runs in a process of its own, which imports nothing that it does not need.
"""
