"""What has happened since the release: taken in, remembered, and made part of answers."""
