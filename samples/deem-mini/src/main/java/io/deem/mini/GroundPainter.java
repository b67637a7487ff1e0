package io.deem.mini;

import io.deem.mini.Ground.Pattern;
import java.util.List;

/** Chooses and paints grounds: muted colours that the objects stand out from. */
final class GroundPainter {

  private static final int CANDIDATES = 16;
  private static final double CLEAR_CONTRAST = 0.36;
  private static final double WHITE_SHARE = 0.1;
  private static final int NOISE_CELLS = 8;
  private static final List<Pattern> PATTERNED =
      List.of(Pattern.STRIPES, Pattern.CHECKS, Pattern.DOTS, Pattern.GRADIENT, Pattern.NOISE);

  private GroundPainter() {}

  /**
   * Draws a ground.
   *
   * @param objectColors colours that it must differ from: red, green, blue, 0 to 1
   */
  static Ground choose(SceneRandom random, List<double[]> objectColors, double patternedShare) {
    boolean patterned = random.chance(patternedShare);
    Pattern pattern = patterned ? random.pick(PATTERNED) : Pattern.PLAIN;
    double[] best = {1, 1, 1};
    double bestContrast = random.chance(WHITE_SHARE) ? contrast(best, objectColors) : -1;
    for (int i = 0; i < CANDIDATES && bestContrast < CLEAR_CONTRAST; i++) {
      double[] candidate = draw(random);
      double contrast = contrast(candidate, objectColors);
      if (contrast > bestContrast) {
        best = candidate;
        bestContrast = contrast;
      }
    }
    double[] second = best;
    double secondContrast = -1;
    for (int i = 0; i < 6 && patterned; i++) {
      double[] candidate = neighbour(random, best);
      double contrast = contrast(candidate, objectColors);
      if (contrast > secondContrast) {
        second = candidate;
        secondContrast = contrast;
      }
    }
    return new Ground(
        pattern,
        pack(best),
        pack(second),
        random.between(0.12, 0.34),
        pattern == Pattern.CHECKS || pattern == Pattern.DOTS
            ? random.between(-20, 20)
            : random.between(0, 360),
        random.nextLong());
  }

  /** Paints a ground over the whole canvas, three values from 0 to 255 a pixel. */
  static void paint(Ground ground, float[] rgb, int canvas) {
    Shade shade = new Shade(ground, canvas);
    float[] first = unpack(ground.first());
    float[] second = unpack(ground.second());
    for (int y = 0; y < canvas; y++) {
      for (int x = 0; x < canvas; x++) {
        float share = shade.at((x + 0.5f) / canvas, (y + 0.5f) / canvas);
        int at = 3 * (y * canvas + x);
        for (int c = 0; c < 3; c++) {
          rgb[at + c] = first[c] + share * (second[c] - first[c]);
        }
      }
    }
  }

  /** Share of the second colour at each point of a canvas. */
  private static final class Shade {
    private final Pattern pattern;
    private final float cos;
    private final float sin;
    private final float frequency;
    private final float shiftX;
    private final float shiftY;
    private final float sharpness;
    private final float[] noise;

    Shade(Ground ground, int canvas) {
      SceneRandom random = SceneRandom.of("pattern", ground.seed());
      pattern = ground.pattern();
      cos = (float) StrictMath.cos(StrictMath.toRadians(ground.degrees()));
      sin = (float) StrictMath.sin(StrictMath.toRadians(ground.degrees()));
      frequency = (float) (1 / ground.period());
      shiftX = (float) random.nextDouble();
      shiftY = (float) random.nextDouble();
      // An edge between the colours is about one pixel wide.
      sharpness = (float) (ground.period() * canvas);
      noise = new float[pattern == Pattern.NOISE ? (NOISE_CELLS + 1) * (NOISE_CELLS + 1) : 0];
      for (int i = 0; i < noise.length; i++) {
        noise[i] = (float) random.nextDouble();
      }
    }

    float at(float x, float y) {
      float u = cos * (x - 0.5f) + sin * (y - 0.5f);
      float v = cos * (y - 0.5f) - sin * (x - 0.5f);
      return switch (pattern) {
        case PLAIN -> 0;
        case STRIPES -> band(u * frequency + shiftX);
        case CHECKS -> {
          float a = band(u * frequency + shiftX);
          float b = band(v * frequency + shiftY);
          yield a + b - 2 * a * b;
        }
        case DOTS -> {
          float a = fraction(u * frequency + shiftX) - 0.5f;
          float b = fraction(v * frequency + shiftY) - 0.5f;
          yield clamp((0.3f - (float) Math.sqrt(a * a + b * b)) * sharpness + 0.5f);
        }
        case GRADIENT -> clamp(u / 1.2f + 0.5f);
        case NOISE -> cloud(x * NOISE_CELLS, y * NOISE_CELLS);
      };
    }

    /** 1 over one half of each unit, 0 over the other. */
    private float band(float t) {
      float distance = 0.25f - Math.abs(fraction(t) - 0.5f);
      return clamp(distance * sharpness + 0.5f);
    }

    private float cloud(float x, float y) {
      int i = Math.min((int) x, NOISE_CELLS - 1);
      int j = Math.min((int) y, NOISE_CELLS - 1);
      float s = smooth(x - i);
      float t = smooth(y - j);
      int at = j * (NOISE_CELLS + 1) + i;
      float top = noise[at] + s * (noise[at + 1] - noise[at]);
      int below = at + NOISE_CELLS + 1;
      float bottom = noise[below] + s * (noise[below + 1] - noise[below]);
      return top + t * (bottom - top);
    }

    private static float smooth(float t) {
      return t * t * (3 - 2 * t);
    }

    private static float fraction(float t) {
      return t - (float) Math.floor(t);
    }

    private static float clamp(float t) {
      return Math.max(0, Math.min(1, t));
    }
  }

  private static double[] draw(SceneRandom random) {
    double hue = random.nextDouble() * 6;
    double saturation = random.between(0.03, 0.42);
    // Light grounds are the commoner ones in pictures of this kind.
    double value = random.chance(0.75) ? random.between(0.68, 0.98) : random.between(0.25, 0.68);
    return hsv(hue, saturation, value);
  }

  /** A colour near another: lighter or darker, slightly other in hue. */
  private static double[] neighbour(SceneRandom random, double[] color) {
    double step = random.between(0.05, 0.15) * (random.chance(0.5) ? 1 : -1);
    double[] result = new double[3];
    for (int c = 0; c < 3; c++) {
      double value = color[c] + step + random.between(-0.04, 0.04);
      result[c] = Math.max(0.1, Math.min(1, value));
    }
    return result;
  }

  private static double[] hsv(double hue, double saturation, double value) {
    double[] rgb = new double[3];
    for (int c = 0; c < 3; c++) {
      double k = (5 - 2 * c + hue) % 6;
      rgb[c] = value * (1 - saturation * Math.max(0, Math.min(1, Math.min(k, 4 - k))));
    }
    return rgb;
  }

  private static double contrast(double[] color, List<double[]> others) {
    double least = Double.POSITIVE_INFINITY;
    for (double[] other : others) {
      double red = color[0] - other[0];
      double green = color[1] - other[1];
      double blue = color[2] - other[2];
      // Weighted as the eye weighs them, roughly; 1.7 is black against white.
      least = Math.min(least, Math.sqrt(red * red + 1.4 * green * green + 0.6 * blue * blue));
    }
    return least;
  }

  private static int pack(double[] rgb) {
    int packed = 0;
    for (int c = 0; c < 3; c++) {
      packed = packed << 8 | (int) Math.round(255 * rgb[c]);
    }
    return packed;
  }

  private static float[] unpack(int rgb) {
    return new float[] {rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff};
  }
}
