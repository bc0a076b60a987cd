"""How good and how fast the engines of this machine are: `visavis bench engines`."""
