package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Description;
import io.deem.Image;
import io.deem.Perceiver;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Describes pictures. */
@Command(name = "describe", description = "Describe pictures, each in a sentence.")
final class DescribeCommand extends PictureCommand {

  @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "JPEG, PNG, WebP, GIF or BMP.")
  private List<Path> images;

  @Override
  List<Path> pictures() {
    return images;
  }

  @Override
  Finding see(Perceiver perceiver, Image image) {
    Description description = perceiver.describe(image);
    JsonObject json = new JsonObject();
    json.addProperty("text", description.text());
    json.addProperty("probability", description.probability());
    json.addProperty("tokens", description.tokens());
    json.addProperty("seconds", seconds(description.time()));
    return new Finding(description.text(), json);
  }
}
