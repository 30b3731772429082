"""Takes every revision up, down and up again, and keeps what is seen on the way as plain data."""
