package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Description;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.Perceiver;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Describes pictures. */
@Command(name = "describe", description = "Describe pictures, or a part of them, in a sentence.")
final class DescribeCommand extends PictureCommand {

  private static final int MOST_TOKENS = 30;

  @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "JPEG, PNG, WebP, GIF or BMP.")
  private List<Path> images;

  @Mixin private GenerationArguments generation;

  @Override
  List<Path> pictures() {
    generation.options(MOST_TOKENS);
    return images;
  }

  @Override
  List<Finding> see(Perceiver perceiver, List<Image> seen) {
    GenerationOptions options = generation.options(MOST_TOKENS);
    return perceiver.describe(seen, options).stream().map(DescribeCommand::finding).toList();
  }

  private static Finding finding(Description description) {
    JsonObject json = new JsonObject();
    json.addProperty("text", description.text());
    json.addProperty("probability", description.probability());
    json.addProperty("tokens", description.tokens());
    json.addProperty("seconds", seconds(description.time()));
    return new Finding(description.text(), json);
  }
}
