"""Language models: messages to an answer, piece by piece."""
