"""Links to pages for patients: no sign-in, a token of 128 bits. Now: repair a failed payment."""
