"""The command line behind `python -m retainkit`; private."""
