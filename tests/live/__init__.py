"""`make test-live PROVIDER=aws`: the conformance suite on a real account of the user's."""
