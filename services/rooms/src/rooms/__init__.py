"""Buildings, amenities and rooms."""
