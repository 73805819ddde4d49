"""What stands between the network and the answers: who may ask, and how much at once."""
