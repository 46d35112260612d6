"""What user_service does over and over."""
