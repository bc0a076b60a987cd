"""Measures of lip-sync: of a video as a viewer sees it, and of raw pictures."""

from visavis.evaluation.faces import CAREFUL
from visavis.evaluation.report import Report, evaluate
from visavis.evaluation.verdict import explained

__all__ = ["CAREFUL", "Report", "evaluate", "explained"]
