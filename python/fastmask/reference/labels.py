"""What all labels have in common."""

IGNORED = -100
"""The label of a token that has no part in the loss."""
