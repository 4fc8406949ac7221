"""Retraining policies tried on history: the guard's own decisions, the analyzer's own figures, the pipeline's scripts.

The one package beside the demo's data that knows more than AWS's APIs: it reads the pure decisions of the functions and
the analyzer, since a threshold that was chosen with other code would be a threshold for other code.
"""
