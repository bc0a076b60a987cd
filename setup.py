"""The part of the package that is compiled; all else is in pyproject.toml."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "visavis.engines.animation._warp",
            ["src/visavis/engines/animation/_warp.c"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            py_limited_api=True,
            optional=True,  # without a compiler it is left out, and OpenCV does the same, slower
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
