"""What several models share: likelihoods, masks, distances between spike trains."""
