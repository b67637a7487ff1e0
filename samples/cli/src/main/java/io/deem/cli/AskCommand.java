package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Answer;
import io.deem.Image;
import io.deem.Perceiver;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Answers a question about a picture. */
@Command(name = "ask", description = "Answer a question about a picture.")
final class AskCommand extends PictureCommand {

  @Parameters(index = "0", paramLabel = "IMAGE", description = "JPEG, PNG, WebP, GIF or BMP.")
  private Path image;

  @Parameters(
      index = "1",
      paramLabel = "QUESTION",
      description = "For example 'Is there a dog in the image?'.")
  private String question;

  @Override
  List<Path> pictures() {
    return List.of(image);
  }

  @Override
  Finding see(Perceiver perceiver, Image seen) {
    Answer answer = perceiver.ask(seen, question);
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
