package io.deem.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.Choice;
import io.deem.Image;
import io.deem.Perceiver;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Ranks possible answers to a question about a picture. */
@Command(
    name = "choose",
    description = "Rank possible answers to a question about a picture, with their shares.")
final class ChooseCommand extends PictureCommand {

  @Parameters(index = "0", paramLabel = "IMAGE", description = "JPEG, PNG, WebP, GIF or BMP.")
  private Path image;

  @Parameters(
      index = "1",
      paramLabel = "QUESTION",
      description = "For example 'What color is the car?'.")
  private String question;

  @Parameters(
      index = "2..*",
      arity = "2..*",
      paramLabel = "OPTION",
      description = "A possible answer; at least two.")
  private List<String> options;

  @Option(
      names = {"-i", "--image"},
      paramLabel = "IMAGE",
      description = "A further picture to ask the same about; may be given several times.")
  private List<Path> further = List.of();

  @Override
  List<Path> pictures() {
    return with(image, further);
  }

  @Override
  List<Finding> see(Perceiver perceiver, List<Image> seen) {
    return seen.stream().map(each -> finding(perceiver.choose(each, question, options))).toList();
  }

  private Finding finding(List<Choice> choices) {
    JsonArray ranked = new JsonArray();
    for (Choice choice : choices) {
      JsonObject each = new JsonObject();
      each.addProperty("text", choice.text());
      each.addProperty("share", choice.share());
      each.addProperty("logProbability", choice.logProbability());
      ranked.add(each);
    }
    JsonObject json = new JsonObject();
    json.addProperty("question", question);
    json.add("choices", ranked);
    String text =
        choices.stream()
            .map(each -> String.format(Locale.ROOT, "%.3f %s", each.share(), each.text()))
            .collect(Collectors.joining(System.lineSeparator()));
    return new Finding(text, json);
  }
}
