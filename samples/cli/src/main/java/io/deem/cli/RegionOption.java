package io.deem.cli;

import io.deem.Image;
import io.deem.Region;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which part of the pictures is meant. */
final class RegionOption {

  private static final Pattern NUMBERS = Pattern.compile("[-+0-9.,eE\\s]+");
  private static final int NUMBERS_OF_A_BOX = 4;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--region",
      paramLabel = "REGION",
      description = {
        "The part of the picture that is meant, in pixels from its upper left corner: a box"
            + " LEFT,TOP,RIGHT,BOTTOM, a polygon X,Y,X,Y,X,Y,... or a picture file of the same size"
            + " that is opaque, or else bright, inside."
      })
  private String region;

  /** The region that was asked for, or null; a mask is read from its file. */
  Region read() throws IOException {
    if (region == null) {
      return null;
    }
    try {
      if (!NUMBERS.matcher(region).matches()) {
        return Region.readMask(Path.of(region));
      }
      double[] numbers =
          Arrays.stream(region.split(",", -1))
              .map(String::strip)
              .mapToDouble(this::number)
              .toArray();
      return numbers.length == NUMBERS_OF_A_BOX
          ? Region.box(numbers[0], numbers[1], numbers[2], numbers[3])
          : Region.polygon(numbers);
    } catch (InvalidPathException e) {
      throw new ParameterException(spec.commandLine(), "--region: " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      boolean file = !NUMBERS.matcher(region).matches();
      if (file) {
        throw e;
      }
      throw new ParameterException(spec.commandLine(), "--region: " + e.getMessage(), e);
    }
  }

  private double number(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new ParameterException(
          spec.commandLine(), "--region: '" + text + "' is not a number", e);
    }
  }

  /** The part of a picture that is meant. */
  static Image of(Image picture, Region region) {
    return region == null ? picture : picture.region(region);
  }
}
