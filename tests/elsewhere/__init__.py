"""`python -m tests.elsewhere`: the sample at a fake of a real cloud."""
