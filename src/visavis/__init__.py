"""Visavis: talk face to face with an AI of your own, made from one picture, on your own machine."""

import os

# Numeric libraries read these once, when they are first imported. One thread each: the pipeline's stages already
# run beside each other, and spinning BLAS threads on a busy machine cost more than they bring.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Nothing leaves this machine: onnxruntime would queue a report about it for its maker, from its first import on.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
