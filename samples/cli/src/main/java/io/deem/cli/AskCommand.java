package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Answer;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.Perceiver;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Answers a question about a picture. */
@Command(name = "ask", description = "Answer a question about a picture.")
final class AskCommand extends PictureCommand {

  private static final int MOST_TOKENS = 30;

  @Parameters(index = "0", paramLabel = "IMAGE", description = "JPEG, PNG, WebP, GIF or BMP.")
  private Path image;

  @Parameters(
      index = "1",
      paramLabel = "QUESTION",
      description = "For example 'Is there a dog in the image?'.")
  private String question;

  @Option(
      names = {"-i", "--image"},
      paramLabel = "IMAGE",
      description = "A further picture to ask the same about; may be given several times.")
  private List<Path> further = List.of();

  @Mixin private GenerationArguments generation;

  @Override
  List<Path> pictures() {
    generation.options(MOST_TOKENS);
    return with(image, further);
  }

  @Override
  List<Finding> see(Perceiver perceiver, List<Image> seen) {
    GenerationOptions options = generation.options(MOST_TOKENS);
    return perceiver.ask(seen, question, options).stream().map(this::finding).toList();
  }

  private Finding finding(Answer answer) {
    JsonObject json = new JsonObject();
    json.addProperty("question", question);
    json.addProperty("text", answer.text());
    json.addProperty("probability", answer.probability());
    json.addProperty("tokens", answer.tokens());
    json.addProperty("seconds", seconds(answer.time()));
    return new Finding(
        String.format(Locale.ROOT, "%s (%.3f)", answer.text(), answer.probability()), json);
  }
}
