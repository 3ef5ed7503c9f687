"""Ground floor: pure helpers without models. Imports no app."""
