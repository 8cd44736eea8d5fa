"""A referee of every rate law: equations written by hand from docs/model.md, solved by SciPy.

Nothing here reads a model text, or the equations that p53net makes of one; of a model only names
and values of parameters are used. So a wrong rate law in `models/` is seen.
"""
