package io.deem.image;

/** The kernels of {@link AntialiasedResize}, as Pillow defines them. */
public enum ResizeFilter {
  /** Equal weight within half a pixel. */
  BOX(0.5) {
    @Override
    double weight(double x) {
      return x > -0.5 && x <= 0.5 ? 1 : 0;
    }
  },
  /** A triangle one pixel to each side. */
  BILINEAR(1) {
    @Override
    double weight(double x) {
      return Math.max(0, 1 - Math.abs(x));
    }
  },
  /** Cubic convolution with a = -0.5. */
  BICUBIC(2) {
    @Override
    double weight(double x) {
      double a = -0.5;
      double distance = Math.abs(x);
      if (distance < 1) {
        return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
      }
      return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * a : 0;
    }
  },
  /** A windowed sinc, three pixels to each side. */
  LANCZOS(3) {
    @Override
    double weight(double x) {
      return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    }
  };

  private final double support;

  ResizeFilter(double support) {
    this.support = support;
  }

  /** How far the kernel reaches to each side, in pixels of the coarser image. */
  double support() {
    return support;
  }

  /** The kernel's value at a distance from its centre, not normalised. */
  abstract double weight(double x);

  private static double sinc(double x) {
    return x == 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
  }
}
