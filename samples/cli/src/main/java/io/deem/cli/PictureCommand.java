package io.deem.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.deem.Deem;
import io.deem.Image;
import io.deem.Perceiver;
import io.deem.Region;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** What the commands about pictures share: they read the pictures, open the model and print. */
abstract class PictureCommand implements Callable<Integer> {

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();
  private static final double NANOS = 1e9;

  @ParentCommand private DeemCommand parent;
  @Mixin private ModelOptions model;
  @Mixin private RegionOption region;
  @Spec private CommandSpec spec;

  /** The pictures to see. */
  abstract List<Path> pictures();

  /** Sees all pictures; what was found in each, in their order. */
  abstract List<Finding> see(Perceiver perceiver, List<Image> images) throws IOException;

  /**
   * What was found.
   *
   * @param text for people; may have several lines
   * @param json for machines
   */
  record Finding(String text, JsonObject json) {}

  @Override
  public final Integer call() throws IOException {
    // A picture that cannot be read should be reported before a large model is opened.
    List<Path> paths = pictures();
    Region part = region.read();
    List<Image> images = new ArrayList<>();
    for (Path path : paths) {
      Image image = Image.read(path);
      try {
        images.add(RegionOption.of(image, part));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(path + ": " + e.getMessage(), e);
      }
    }
    try (Deem deem = model.open()) {
      List<Finding> findings = see(deem.perceiver(), images);
      for (int i = 0; i < findings.size(); i++) {
        print(paths.get(i), findings.get(i), paths.size() > 1);
      }
    }
    return 0;
  }

  private void print(Path path, Finding finding, boolean named) {
    if (parent.json()) {
      JsonObject json = new JsonObject();
      json.addProperty("image", path.toString());
      finding.json.entrySet().forEach(entry -> json.add(entry.getKey(), entry.getValue()));
      spec.commandLine().getOut().println(GSON.toJson(json));
    } else {
      spec.commandLine().getOut().println((named ? path + ": " : "") + finding.text);
    }
  }

  /** The spec of the command, for errors about its arguments. */
  final CommandSpec spec() {
    return spec;
  }

  /** A picture and further ones. */
  static List<Path> with(Path first, List<Path> further) {
    List<Path> all = new ArrayList<>(List.of(first));
    all.addAll(further);
    return all;
  }

  static double seconds(Duration time) {
    return time.toNanos() / NANOS;
  }
}
