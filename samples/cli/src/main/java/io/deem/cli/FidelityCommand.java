package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Fidelity;
import io.deem.Image;
import io.deem.Perceiver;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Says how well pictures could be drawn again from what was seen. */
@Command(
    name = "fidelity",
    description = "Say how much what was seen helps the diffusion model to draw pictures again.")
final class FidelityCommand extends PictureCommand {

  @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "JPEG, PNG, WebP, GIF or BMP.")
  private List<Path> images;

  @Override
  List<Path> pictures() {
    return images;
  }

  @Override
  List<Finding> see(Perceiver perceiver, List<Image> seen) {
    return seen.stream().map(image -> finding(perceiver.fidelity(image))).toList();
  }

  private static Finding finding(Fidelity fidelity) {
    JsonObject json = new JsonObject();
    json.addProperty("loss", fidelity.loss());
    json.addProperty("blindLoss", fidelity.blindLoss());
    json.addProperty("gain", fidelity.gain());
    String text =
        String.format(
            Locale.ROOT,
            "loss %.4f, blind %.4f, gain %.3f",
            fidelity.loss(),
            fidelity.blindLoss(),
            fidelity.gain());
    return new Finding(text, json);
  }
}
