"""Background work: the job table is the truth, Celery rings the bell."""
