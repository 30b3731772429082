"""What the release manager gives to a DBA: guarded SQL files, proven, with a README."""
