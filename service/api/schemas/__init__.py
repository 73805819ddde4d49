"""What goes in and out as JSON: requests, answers and problem documents."""
