"""Tumours and patients: plasma, volumes, blood, virtual patients, schedules."""
