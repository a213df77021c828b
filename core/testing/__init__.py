"""What tests of the core and of plugins share: fixtures and the conformance tests."""
