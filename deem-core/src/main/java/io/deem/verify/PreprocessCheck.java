package io.deem.verify;

import io.deem.Image;
import io.deem.graph.Engine;
import io.deem.graph.Resampling;
import io.deem.image.AntialiasedResize;
import io.deem.image.Framing;
import io.deem.image.Interpolation;
import io.deem.image.Normalization;
import io.deem.image.PixelPlanes;
import io.deem.image.PositionTables;
import io.deem.image.ResizeFilter;
import io.deem.portable.Hex;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Image preparation: a decoded photograph resized, framed and normalised in every way of the
 * reference, position tables, and plain interpolation. What is to be computed is read from the
 * tensors' names.
 */
final class PreprocessCheck implements FixtureCheck {

  private static final String PHOTO = "photo.png";
  private static final Pattern RESIZED = Pattern.compile("pil_([a-z]+)_sq_(\\d+)");
  private static final Pattern HALVED = Pattern.compile("pil_box_half_top\\d+");
  private static final Pattern FRAMED =
      Pattern.compile(
          "(deem_dual_crop|deem_dual_nocrop|deem_clip_normalised|sd_normalised)_\\d+"
              + "|openclip_style|hf_clip_processor");
  private static final Pattern INTERPOLATED =
      Pattern.compile("interp_([a-z]+)(?:_ac([01]))?_(\\d+)x(\\d+)");
  private static final Pattern MASK = Pattern.compile("mask_bilinear_(\\d+)");
  private static final Pattern SQUARE_TABLE =
      Pattern.compile("sincos2d_[a-z]+_D(\\d+)_g(\\d+)_cls([01])");
  private static final Pattern LINE_TABLE = Pattern.compile("sincos1d_D(\\d+)_(\\d+)");
  private static final Pattern FITTED = Pattern.compile("abspos_g(\\d+)_(cls|nocls)_to_(\\d+)");

  @Override
  public String kind() {
    return "preprocess";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("interp_in", "mask") && fixture.config().has("photo_rgb_sha256");
  }

  @Override
  public boolean needsEngine() {
    return false;
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) throws IOException {
    run(fixture, Image.read(fixture.folder().resolve(PHOTO)), report);
  }

  /** As {@link #run(Fixture, Engine, Report)}, with the photograph decoded already. */
  void run(Fixture fixture, Image photo, Report report) {
    report.equal(
        PHOTO,
        Verification.PLAIN_JAVA,
        new Sizes(fixture.config()).text("photo_rgb_sha256"),
        sha256(photo.toRgb()));
    TensorSource io = fixture.io();
    Reference reference = report.against(io, Verification.PLAIN_JAVA);
    for (String name : io.names()) {
      if (!pixels(name, photo, io, reference) && !numbers(name, photo, io, reference)) {
        if (!name.equals("interp_in") && !name.equals("mask")) {
          report.fail(name, Verification.PLAIN_JAVA, "nothing is known that computes it");
        }
      }
    }
  }

  private static boolean pixels(String name, Image photo, TensorSource io, Reference reference) {
    Matcher resized = RESIZED.matcher(name);
    if (resized.matches()) {
      int size = Integer.parseInt(resized.group(2));
      ResizeFilter filter = ResizeFilter.valueOf(resized.group(1).toUpperCase(Locale.ROOT));
      corner(name, AntialiasedResize.resize(photo, size, size, filter), io, reference);
      return true;
    }
    if (HALVED.matcher(name).matches()) {
      int width = photo.width() / 2;
      int height = photo.height() / 2;
      corner(name, AntialiasedResize.resize(photo, width, height, ResizeFilter.BOX), io, reference);
      return true;
    }
    return false;
  }

  /** Compares the top left corner of an image, as much of it as is stored. */
  private static void corner(String name, Image image, TensorSource io, Reference reference) {
    long[] shape = io.info(name).shape();
    int height = (int) Math.min(shape[0], image.height());
    int width = (int) Math.min(shape[1], image.width());
    long[] values = new long[height * width * 3];
    for (int i = 0; i < height * width; i++) {
      int colour = image.rgb(i % width, i / width);
      values[3 * i] = colour >> 16 & 0xff;
      values[3 * i + 1] = colour >> 8 & 0xff;
      values[3 * i + 2] = colour & 0xff;
    }
    reference.ids(name, values, height, width, 3);
  }

  private static boolean numbers(String name, Image photo, TensorSource io, Reference reference) {
    Matcher framed = FRAMED.matcher(name);
    if (framed.matches()) {
      long[] shape = io.info(name).shape();
      int size = Math.toIntExact(shape[shape.length - 1]);
      String way = framed.group(1) == null ? name : framed.group(1);
      long[] batch = shape.length == 4 ? new long[] {1, 3, size, size} : new long[] {3, size, size};
      reference.output(name, framed(way, photo, size), batch);
      return true;
    }
    return interpolated(name, io, reference) || tables(name, io, reference);
  }

  private static float[] framed(String way, Image photo, int size) {
    int pixels = size * size;
    return switch (way) {
      case "deem_dual_crop" -> PixelPlanes.of(Framing.CENTER_CROP.apply(photo, size));
      case "deem_dual_nocrop" -> squashed(photo, size);
      case "deem_clip_normalised" -> Normalization.CLIP.apply(squashed(photo, size), pixels);
      case "sd_normalised" -> Normalization.SIGNED.apply(squashed(photo, size), pixels);
      case "openclip_style" ->
          Normalization.CLIP.apply(PixelPlanes.of(Framing.SHORTER_SIDE.apply(photo, size)), pixels);
      default ->
          Normalization.CLIP.apply(
              PixelPlanes.of(Framing.SHORTER_SIDE_FLOOR.apply(photo, size)), pixels);
    };
  }

  private static float[] squashed(Image photo, int size) {
    return PixelPlanes.of(Framing.SQUASH.apply(photo, size));
  }

  private static boolean interpolated(String name, TensorSource io, Reference reference) {
    Matcher interpolated = INTERPOLATED.matcher(name);
    Matcher mask = MASK.matcher(name);
    String input = interpolated.matches() ? "interp_in" : "mask";
    Resampling way = Resampling.BILINEAR;
    boolean alignCorners = false;
    int height;
    int width;
    if (interpolated.matches()) {
      way = Resampling.valueOf(interpolated.group(1).toUpperCase(Locale.ROOT));
      alignCorners = "1".equals(interpolated.group(2));
      height = number(interpolated, 3);
      width = number(interpolated, 4);
    } else if (mask.matches()) {
      height = number(mask, 1);
      width = height;
    } else {
      return false;
    }
    long[] shape = io.info(input).shape();
    float[] values =
        Interpolation.resize(
            io.floats(input),
            Math.toIntExact(shape[0] * shape[1]),
            Math.toIntExact(shape[2]),
            Math.toIntExact(shape[3]),
            height,
            width,
            way,
            alignCorners);
    reference.output(name, values, shape[0], shape[1], height, width);
    return true;
  }

  private static boolean tables(String name, TensorSource io, Reference reference) {
    Matcher square = SQUARE_TABLE.matcher(name);
    Matcher line = LINE_TABLE.matcher(name);
    Matcher fitted = FITTED.matcher(name);
    float[] table;
    int dim;
    if (square.matches()) {
      dim = number(square, 1);
      table = PositionTables.sincos2d(dim, number(square, 2), square.group(3).equals("1"));
    } else if (line.matches()) {
      dim = number(line, 1);
      table = PositionTables.sincos1d(dim, number(line, 2));
    } else if (fitted.matches()) {
      dim = Math.toIntExact(io.info(name).shape()[1]);
      boolean classRow = fitted.group(2).equals("cls");
      float[] source = PositionTables.sincos2d(dim, number(fitted, 1), classRow);
      table = PositionTables.fitted(source, dim, number(fitted, 3));
    } else {
      return false;
    }
    reference.output(name, table, table.length / dim, dim);
    return true;
  }

  private static int number(Matcher matcher, int group) {
    return Integer.parseInt(matcher.group(group));
  }

  private static String sha256(byte[] bytes) {
    try {
      return Hex.of(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
