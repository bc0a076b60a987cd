"""The lines of age in a face's relief."""

from __future__ import annotations

from tools.paint.field import Canvas, F


def age(c: Canvas, z: F, amount: float) -> None:
    """Furrow the brow, fold the cheeks and hollow them, and crease the corners of the eyes; 1 is about sixty."""
    for y, half, rise, depth in ((-0.448, 0.14, 0.014, 0.7), (-0.398, 0.18, 0.020, 1.0), (-0.350, 0.13, 0.010, 0.6)):
        wave = [(k * half, y - rise * (1 - k * k) + 0.006 * ((3 * k) % 1)) for k in (-1, -0.6, -0.2, 0.2, 0.6, 1)]
        z -= 0.0022 * amount * depth * c.line(wave, 0.004, 0.0060, mirror=False)
        z += 0.0024 * amount * depth * c.line([(x, y + 0.013) for x, y in wave], 0.008, 0.009, mirror=False)
    for x, tall in ((0.021, 0.030), (0.031, 0.018)):
        z -= 0.0034 * amount * c.line(((x, -0.262 - tall), (x - 0.003, -0.245), (x + 0.002, -0.232)), 0.004, 0.0045)
    for end in (-0.195, -0.165, -0.138):
        z -= 0.0026 * amount * c.line(((0.238, -0.158), (0.262, (end - 0.155) / 2), (0.288, end)), 0.0025, 0.0032)
    fold = ((0.078, 0.028), (0.108, 0.062), (0.135, 0.105), (0.150, 0.150))
    z -= 0.0075 * amount * c.line(fold, 0.006, 0.007)
    z += 0.0070 * amount * c.line([(x + 0.026, y - 0.008) for x, y in fold], 0.018, 0.017)
    z -= 0.0045 * amount * c.line(((0.135, 0.178), (0.140, 0.205), (0.132, 0.235)), 0.006, 0.008)
    bag = ((0.088, -0.122), (0.115, -0.103), (0.155, -0.096), (0.195, -0.108), (0.218, -0.128))
    z -= 0.0036 * amount * c.line(bag, 0.004, 0.005)
    z += 0.0042 * amount * c.line([(x, y - 0.017) for x, y in bag], 0.011, 0.008)
    c.bump(z, (0.225, 0.085), (0.050, 0.060), -0.012 * amount, -20)
    c.bump(z, (0.29, -0.36), (0.04, 0.08), -0.010 * amount)
