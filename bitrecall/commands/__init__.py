"""The sub-commands, one file each; heavy imports happen when a command runs."""
