"""What is measured, one package a target; every peer is measured in the same run."""
