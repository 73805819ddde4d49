"""From files of interactions to the arrays that training works on."""
