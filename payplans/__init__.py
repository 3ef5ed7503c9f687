"""Payment plans made in Open Dental, their installments, the projected schedule and the retry calendar."""
