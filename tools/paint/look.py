"""What tells one modelled face from another; colours are linear light, lengths the canvas' units."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[float, float, float]
Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Look:
    """A face. What is not given is Vera's."""

    skin: Colour = (0.66, 0.37, 0.255)
    flush: Colour = (0.68, 0.25, 0.19)
    """Cheeks, nose and chin tend towards it."""
    forehead: Colour = (0.70, 0.43, 0.29)
    lid: Colour = (0.42, 0.19, 0.15)
    lip: Colour = (0.46, 0.125, 0.11)
    lip_inner: Colour = (0.36, 0.075, 0.075)
    seam: Colour = (0.055, 0.012, 0.012)
    gloss: float = 0.30
    lip_gloss: float = 1.15
    freckles: int = 150
    outline: Line = (
        (0, 0.318), (0.05, 0.314), (0.108, 0.291), (0.172, 0.237), (0.232, 0.155), (0.280, 0.055), (0.313, -0.05),
        (0.327, -0.17), (0.329, -0.28), (0.312, -0.42), (0.262, -0.56), (0.16, -0.67), (0, -0.71),
    )  # fmt: skip
    """The right half of the head, from the chin to the crown."""
    nose: float = 1.0
    """Its width."""
    mouth: float = 0.118
    """Half its width."""
    lips: tuple[float, float] = (1.0, 1.0)
    """Heights of the upper and the lower one."""
    age: float = 0.0
    """0 has no lines; 1 is about sixty."""
    iris: tuple[Colour, Colour] = ((0.11, 0.185, 0.125), (0.36, 0.20, 0.060))
    """Outside and around the pupil."""
    brow: Line = ((0.060, -0.266), (0.10, -0.281), (0.15, -0.294), (0.197, -0.291), (0.250, -0.262))
    brow_colours: tuple[Colour, ...] = ((0.030, 0.012, 0.007),)
    brow_width: float = 1.0
    lashes: float = 1.0
    """Their length."""
    sclera: Colour = (0.80, 0.71, 0.65)
    neck: float = 1.0
    """Its width."""
