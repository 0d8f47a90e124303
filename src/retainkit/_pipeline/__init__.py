"""The parts of `retainkit.pipeline`; private."""
