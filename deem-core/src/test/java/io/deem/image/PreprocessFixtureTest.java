package io.deem.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Image;
import io.deem.graph.Resampling;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.TensorInfo;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every tensor of the reference's preprocessing: bytes to the bit, numbers to rounding. */
class PreprocessFixtureTest {
  private static final Pattern PIL_SQUARE = Pattern.compile("pil_([a-z]+)_sq_(\\d+)");
  private static final Pattern DEEM = Pattern.compile("deem_dual_(crop|nocrop)_([12])");
  private static final Pattern INTERPOLATED =
      Pattern.compile("interp_([a-z]+)(?:_ac([01]))?_(\\d+)x(\\d+)");
  private static final Pattern MASK = Pattern.compile("mask_bilinear_(\\d+)");
  private static final Pattern SQUARE_TABLE =
      Pattern.compile("sincos2d_[a-z]_D(\\d+)_g(\\d+)_cls([01])");
  private static final Pattern LINE_TABLE = Pattern.compile("sincos1d_D(\\d+)_(\\d+)");
  private static final Pattern FITTED = Pattern.compile("abspos_g4_(cls|nocls)_to_(\\d+)");
  private static final Set<String> INPUTS = Set.of("interp_in", "mask");

  private static SafetensorsFile expected;
  private static Image photo;

  @BeforeAll
  static void open() throws IOException, URISyntaxException {
    Path folder = Path.of(PreprocessFixtureTest.class.getResource("/fixtures/preprocess").toURI());
    expected = SafetensorsFile.open(folder.resolve("io.safetensors"));
    BufferedImage decoded = ImageIO.read(folder.resolve("photo.png").toFile());
    byte[] rgb = new byte[decoded.getWidth() * decoded.getHeight() * 3];
    for (int i = 0; i < rgb.length / 3; i++) {
      int colour = decoded.getRGB(i % decoded.getWidth(), i / decoded.getWidth());
      rgb[3 * i] = (byte) (colour >> 16);
      rgb[3 * i + 1] = (byte) (colour >> 8);
      rgb[3 * i + 2] = (byte) colour;
    }
    photo = Image.ofRgb(decoded.getWidth(), decoded.getHeight(), rgb);
  }

  @AfterAll
  static void close() {
    expected.close();
  }

  static Set<String> names() throws IOException, URISyntaxException {
    if (expected == null) {
      open();
    }
    Set<String> names = new TreeSet<>(expected.names());
    assertTrue(names.removeAll(INPUTS));
    assertEquals(39, names.size());
    return names;
  }

  @ParameterizedTest
  @MethodSource("names")
  void agreesWithTheReference(String name) {
    TensorInfo info = expected.info(name);
    if (info.type() == ElementType.U8) {
      assertSamePixels(name, info.shape(), resized(name));
    } else {
      assertArrayEquals(expected.floats(name), computed(name), tolerance(name), name);
    }
  }

  private static float tolerance(String name) {
    return name.startsWith("sincos") || name.startsWith("deem_dual") ? 1e-6f : 1e-5f;
  }

  private static Image resized(String name) {
    if (name.equals("pil_box_half_top32")) {
      return AntialiasedResize.resize(
          photo, photo.width() / 2, photo.height() / 2, ResizeFilter.BOX);
    }
    MatchResult part = match(PIL_SQUARE, name);
    int size = Integer.parseInt(part.group(2));
    return AntialiasedResize.resize(
        photo, size, size, ResizeFilter.valueOf(part.group(1).toUpperCase(Locale.ROOT)));
  }

  /** The reference stores the top left corner where the whole would be large. */
  private static void assertSamePixels(String name, long[] shape, Image found) {
    ByteBuffer bytes = expected.bytes(name);
    assertEquals(3, shape[2]);
    for (int y = 0; y < shape[0]; y++) {
      for (int x = 0; x < shape[1]; x++) {
        int colour = 0;
        for (int channel = 0; channel < 3; channel++) {
          colour = (colour << 8) | (bytes.get() & 0xff);
        }
        assertEquals(colour, found.rgb(x, y), name + " at (" + x + ", " + y + ")");
      }
    }
  }

  private static float[] computed(String name) {
    return switch (name) {
      case "openclip_style" ->
          Normalization.CLIP.apply(PixelPlanes.of(Framing.SHORTER_SIDE.apply(photo, 64)), 64 * 64);
      case "hf_clip_processor" ->
          Normalization.CLIP.apply(
              PixelPlanes.of(Framing.SHORTER_SIDE_FLOOR.apply(photo, 64)), 64 * 64);
      case "deem_clip_normalised_1" ->
          Normalization.CLIP.apply(PixelPlanes.of(Framing.SQUASH.apply(photo, 32)), 32 * 32);
      case "sd_normalised_2" ->
          Normalization.SIGNED.apply(PixelPlanes.of(Framing.SQUASH.apply(photo, 64)), 64 * 64);
      default -> computedByPattern(name);
    };
  }

  private static float[] computedByPattern(String name) {
    if (name.startsWith("deem_dual")) {
      MatchResult part = match(DEEM, name);
      Framing framing = part.group(1).equals("crop") ? Framing.CENTER_CROP : Framing.SQUASH;
      return PixelPlanes.of(framing.apply(photo, part.group(2).equals("1") ? 32 : 64));
    }
    if (name.startsWith("interp")) {
      MatchResult part = match(INTERPOLATED, name);
      return Interpolation.resize(
          expected.floats("interp_in"),
          2,
          5,
          7,
          Integer.parseInt(part.group(3)),
          Integer.parseInt(part.group(4)),
          Resampling.valueOf(part.group(1).toUpperCase(Locale.ROOT)),
          "1".equals(part.group(2)));
    }
    if (name.startsWith("mask")) {
      int size = number(match(MASK, name), 1);
      float[] mask = expected.floats("mask");
      return Interpolation.resize(mask, 2, 32, 32, size, size, Resampling.BILINEAR, false);
    }
    if (name.startsWith("sincos2d")) {
      MatchResult part = match(SQUARE_TABLE, name);
      return PositionTables.sincos2d(number(part, 1), number(part, 2), part.group(3).equals("1"));
    }
    if (name.startsWith("sincos1d")) {
      MatchResult part = match(LINE_TABLE, name);
      return PositionTables.sincos1d(number(part, 1), number(part, 2));
    }
    MatchResult part = match(FITTED, name);
    float[] table = PositionTables.sincos2d(24, 4, part.group(1).equals("cls"));
    return PositionTables.fitted(table, 24, number(part, 2));
  }

  private static int number(MatchResult part, int group) {
    return Integer.parseInt(part.group(group));
  }

  private static MatchResult match(Pattern pattern, String name) {
    Matcher matcher = pattern.matcher(name);
    assertTrue(matcher.matches(), "no test for " + name);
    return matcher.toMatchResult();
  }
}
