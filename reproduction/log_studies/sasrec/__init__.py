"""SASRec, a sequence model in floats, to compare codes with."""
