"""Recurrent networks of generalised firing rate neurons."""
