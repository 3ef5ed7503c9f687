"""Patients, mirrored from Open Dental; search and the Communication pages."""
