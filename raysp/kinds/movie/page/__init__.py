"""What a page shows of movies."""
