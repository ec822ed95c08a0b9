"""What the RFCs demand, what the tests show, and whether the two agree."""
