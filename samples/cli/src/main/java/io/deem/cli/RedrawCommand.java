package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Image;
import io.deem.Perceiver;
import io.deem.RedrawOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** Draws what was seen in a picture. */
@Command(name = "redraw", description = "Draw again what was seen in a picture.")
final class RedrawCommand extends PictureCommand {

  @Parameters(index = "0", paramLabel = "IMAGE", description = "JPEG, PNG, WebP, GIF or BMP.")
  private Path image;

  @Parameters(index = "1", paramLabel = "OUTPUT", description = "The PNG file to write.")
  private Path output;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "30",
      description = "Steps of denoising, 1 to 1000; by default ${DEFAULT-VALUE}.")
  private int steps;

  @Option(
      names = "--guidance",
      paramLabel = "SCALE",
      defaultValue = "3.5",
      description = "How far to push towards what was seen; by default ${DEFAULT-VALUE}.")
  private double guidance;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the noise; by default ${DEFAULT-VALUE}.")
  private long seed;

  @Override
  List<Path> pictures() {
    options();
    return List.of(image);
  }

  @Override
  List<Finding> see(Perceiver perceiver, List<Image> seen) throws IOException {
    perceiver.redraw(seen.get(0), options()).write(output);
    JsonObject json = new JsonObject();
    json.addProperty("output", output.toString());
    return List.of(new Finding("wrote " + output, json));
  }

  private RedrawOptions options() {
    try {
      return new RedrawOptions(steps, guidance, seed);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec().commandLine(), e.getMessage(), e);
    }
  }
}
