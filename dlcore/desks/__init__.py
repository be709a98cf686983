"""Desks: processes for what is too much for the server and no training; which jobs there are says jobs.py."""
