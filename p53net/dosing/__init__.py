"""What is given: courses in a dish, regimens to a body, masses as moles."""
