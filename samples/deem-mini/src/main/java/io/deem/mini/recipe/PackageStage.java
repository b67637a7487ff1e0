package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.ProgressListener;
import io.deem.model.ModelFolder;
import io.deem.model.Prompts;
import io.deem.text.TokenizerFile;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes the trained weights as the model folder that the artifact ships. */
final class PackageStage implements Stage {

  private static final List<String> DATA =
      List.of(
          "emoji/concepts.jsonl",
          "emoji/vocabulary.txt",
          "emoji/noto.tar",
          "emoji/twemoji.tar",
          "stories15M/model.safetensors");

  private final Recipe recipe;
  private final String from;

  PackageStage(Recipe recipe, String from) {
    this.recipe = recipe;
    this.from = from;
  }

  @Override
  public String name() {
    return "package";
  }

  @Override
  public void run(ProgressListener listener, Cancellation cancellation) throws IOException {
    Path folder = recipe.work().resolve("deem-mini");
    Map<String, String> provenance = new LinkedHashMap<>();
    provenance.put("recipe", "io.deem.mini.recipe.TrainMini");
    provenance.put("seed", Long.toString(Recipe.SEED));
    provenance.put("parent", "stories15M");
    provenance.put("java", System.getProperty("java.version"));
    for (String file : DATA) {
      provenance.put("sha256 of " + file, checksum(recipe.data().resolve(file)));
    }
    ModelFolder.Description description =
        new ModelFolder.Description(
            "deem-mini",
            MiniArchitecture.config(),
            new Prompts(
                "{image}" + MiniText.CAPTION_PROMPT, "{image}{question}" + MiniText.ANSWER_PROMPT),
            true,
            provenance);
    try (SafetensorsFile weights = SafetensorsFile.open(recipe.result(from))) {
      ModelFolder.write(
          folder,
          description,
          weights,
          ElementType.BF16,
          TokenizerFile.read(recipe.data().resolve("stories15M"))
              .withAddedTokens(DeemStage.addedTokens()));
    }
    StringBuilder list = new StringBuilder();
    for (String file : List.of("deem.json", "model.safetensors", "tokenizer.json")) {
      list.append(checksum(folder.resolve(file))).append("  ").append(file).append('\n');
    }
    Files.writeString(folder.resolve("files.txt"), list, StandardCharsets.UTF_8);
    System.out.println("wrote " + folder);
  }

  private static String checksum(Path file) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      try (DigestInputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
        in.transferTo(java.io.OutputStream.nullOutputStream());
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
