package io.deem.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.Answer;
import io.deem.Chat;
import io.deem.Deem;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.Prompt;
import io.deem.TextListener;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Talks about pictures, line by line. */
@Command(
    name = "chat",
    description = {
      "Talk about pictures. Each line of standard input is a message; replies are printed while"
          + " they are generated.",
      "A line '/image PATH' shows a picture with the next message, '/clear' begins anew, '/quit' or"
          + " the end of the input ends it. A line that fails is reported and leaves the"
          + " conversation as it was; the exit code is then 1."
    })
final class ChatCommand implements Callable<Integer> {

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();
  private static final int MOST_TOKENS = 256;

  @ParentCommand private DeemCommand parent;
  @Mixin private ModelOptions model;
  @Mixin private GenerationArguments generation;
  @Spec private CommandSpec spec;

  /** Pictures to be shown with the next message. */
  private final List<Path> paths = new ArrayList<>();

  private final List<Image> pictures = new ArrayList<>();

  @Override
  public Integer call() throws IOException {
    GenerationOptions options = generation.options(MOST_TOKENS);
    boolean failed = false;
    try (Deem deem = model.open()) {
      Chat chat = deem.perceiver().chat(options);
      // Standard input is not ours to close.
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = lines.readLine();
          line != null && !line.strip().equals("/quit");
          line = lines.readLine()) {
        try {
          obey(chat, line.strip());
        } catch (IOException | IllegalArgumentException e) {
          spec.commandLine().getErr().println("deem: " + e.getMessage());
          failed = true;
        }
      }
    }
    return failed ? 1 : 0;
  }

  private void obey(Chat chat, String line) throws IOException {
    if (line.isEmpty()) {
      return;
    }
    if (line.equals("/clear")) {
      chat.clear();
      forget();
    } else if (line.startsWith("/image ")) {
      Path path = Path.of(line.substring("/image ".length()).strip());
      pictures.add(Image.read(path));
      paths.add(path);
    } else if (line.startsWith("/")) {
      throw new IllegalArgumentException("'" + line + "' is none of /image PATH, /clear and /quit");
    } else {
      say(chat, line);
    }
  }

  private void say(Chat chat, String line) {
    Prompt prompt = null;
    for (Image picture : pictures) {
      prompt = prompt == null ? Prompt.of(picture) : prompt.image(picture);
    }
    prompt = prompt == null ? Prompt.of(line) : prompt.text(line);
    PrintWriter out = spec.commandLine().getOut();
    if (parent.json()) {
      out.println(GSON.toJson(json(line, chat.say(prompt, TextListener.NONE))));
    } else {
      chat.say(
          prompt,
          piece -> {
            out.print(piece);
            out.flush();
          });
      out.println();
    }
    forget();
  }

  private JsonObject json(String line, Answer answer) {
    JsonObject json = new JsonObject();
    JsonArray images = new JsonArray();
    paths.forEach(path -> images.add(path.toString()));
    json.add("images", images);
    json.addProperty("message", line);
    json.addProperty("text", answer.text());
    json.addProperty("probability", answer.probability());
    json.addProperty("tokens", answer.tokens());
    json.addProperty("seconds", PictureCommand.seconds(answer.time()));
    return json;
  }

  private void forget() {
    pictures.clear();
    paths.clear();
  }
}
