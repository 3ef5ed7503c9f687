"""Runs KasperPay on one machine: embedded servers, supervisor, smoke run, test services, repository checks."""
