package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.json.RecordJson;
import io.deem.model.ClipActivation;
import io.deem.model.ClipVitEncoder;
import io.deem.model.DeemConfig;
import io.deem.model.ModelFolder;
import io.deem.model.ModelPart;
import io.deem.model.Prompts;
import io.deem.model.VitAdapter;
import io.deem.text.TokenizerFile;
import io.deem.verify.CompleteModel;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The reference's own weights, written in the layouts in which original weights are public,
 * imported, and checked by the reference's own numbers.
 */
class OriginalLayoutsTest {

  private static final Path FIXTURES = Path.of("../../deem-training/src/test/resources/fixtures");
  private static final Path MODEL = FIXTURES.resolve("deem_full");
  private static final Path TRANSFORMER = FIXTURES.resolve("deem_vit_adapter");
  private static final int OWN_TOKENS = 96;

  private static final String VISUAL = "visual_tokenizer.";
  private static final String SNIFFER = VISUAL + "sniffer.";
  private static final String UNET = VISUAL + "encoder.unet.";
  private static final String VAE = VISUAL + "encoder.vae.";

  @TempDir Path folder;
  private Path llama;
  private DeemConfig config;
  private String out;
  private String err;

  @BeforeEach
  void describe() throws Exception {
    llama = Files.createDirectories(folder.resolve("llama"));
    try (SafetensorsFile weights = weights(MODEL)) {
      config = CompleteModel.of(json(MODEL.resolve("config.json")), weights);
    }
    Path tiny = Path.of(OriginalLayoutsTest.class.getResource("/models/tiny").toURI());
    TokenizerFile.read(tiny).withoutAddedTokens().write(llama.resolve("tokenizer.json"));
    Files.writeString(llama.resolve("config.json"), "{\"vocab_size\": " + OWN_TOKENS + "}");
    architecture(config);
  }

  private void architecture(DeemConfig architecture) throws IOException {
    Prompts prompts = new Prompts("{image}A photo of", "{image}{question} Answer:");
    JsonObject description =
        RecordJson.write(
                new ModelFolder.Description("small", architecture, prompts, false, Map.of()))
            .getAsJsonObject();
    description.addProperty("format", "deem/1");
    Files.writeString(folder.resolve("architecture.json"), description.toString());
  }

  private static SafetensorsFile weights(Path fixture) throws IOException {
    return SafetensorsFile.open(fixture.resolve("model.safetensors"));
  }

  private static JsonObject json(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  private int deem(Object... arguments) {
    StringWriter printed = new StringWriter();
    StringWriter failed = new StringWriter();
    String[] texts = Arrays.stream(arguments).map(String::valueOf).toArray(String[]::new);
    int code =
        DeemCommand.run(new PrintWriter(printed, true), new PrintWriter(failed, true), texts);
    out = printed.toString();
    err = failed.toString();
    return code;
  }

  /** Imports what was written, and returns what was left over. */
  private Set<String> importTo(Path model, Path encoder) {
    int code =
        deem(
            "--json",
            "import",
            model,
            "--llama",
            llama,
            "--encoder",
            encoder,
            "--stable-diffusion",
            folder.resolve("sd"),
            "--deem-state",
            folder.resolve("state/pytorch_model.bin"),
            "--architecture",
            folder.resolve("architecture.json"));
    assertEquals(0, code, () -> err);
    Set<String> leftOver = new TreeSet<>();
    JsonParser.parseString(out)
        .getAsJsonObject()
        .getAsJsonArray("leftOver")
        .forEach(each -> leftOver.add(each.getAsJsonObject().get("tensor").getAsString()));
    return leftOver;
  }

  // ---------------------------------------------------------------- the whole model

  private enum Layout {
    SAFETENSORS,
    SAFETENSORS_SHARDS,
    PYTORCH,
    PYTORCH_SHARDS
  }

  @ParameterizedTest
  @ValueSource(strings = {"SAFETENSORS", "SAFETENSORS_SHARDS", "PYTORCH", "PYTORCH_SHARDS"})
  void aLayoutComesBackBitByBit(Layout layout) throws IOException {
    Path model = importWhole(layout);
    try (SafetensorsFile expected = weights(MODEL);
        ModelFolder opened = ModelFolder.open(model)) {
      assertEquals(config, opened.description().architecture());
      for (String name : opened.weights().names()) {
        assertArrayEquals(expected.floats(name), opened.weights().floats(name), name);
      }
    }
  }

  /** The losses, gradients and steps of the reference, by weights that came from five layouts. */
  @Test
  void importedWeightsGiveTheReferencesNumbers() throws IOException {
    Path model = importWhole(Layout.PYTORCH_SHARDS);
    Path fixture = Files.createDirectories(folder.resolve("fixture"));
    for (String file : List.of("config.json", "io.safetensors")) {
      Files.copy(MODEL.resolve(file), fixture.resolve(file));
    }
    withSecondName(model, fixture.resolve("model.safetensors"));
    assertEquals(0, deem("verify", fixture), () -> out);
    assertTrue(out.stripTrailing().endsWith(", 0 failed"), out);
  }

  /** The reference's state, and so its lists of names, has one tensor under two names. */
  private static void withSecondName(Path model, Path file) throws IOException {
    try (SafetensorsFile imported = weights(model)) {
      Map<String, String> names = below(imported, "", "");
      names.put(VISUAL + "neg_prompt_embeds", "image_decoder.neg_prompt_embeds");
      save(file, imported, names);
    }
  }

  /** Original networks in their layouts; what is DEEM's own in its state. */
  private Path importWhole(Layout layout) throws IOException {
    boolean torch = layout == Layout.PYTORCH || layout == Layout.PYTORCH_SHARDS;
    Path encoder = folder.resolve(torch ? "open_clip" : "encoder.safetensors");
    String unet = "sd/unet/diffusion_pytorch_model" + (torch ? ".bin" : ".safetensors");
    String vae = "sd/vae/diffusion_pytorch_model" + (torch ? ".bin" : ".safetensors");
    try (SafetensorsFile all = weights(MODEL)) {
      language(all, layout);
      String convNext = SNIFFER + "vision_model.visual.";
      Path file = torch ? encoder.resolve("open_clip_pytorch_model.bin") : encoder;
      save(file, all, below(all, convNext, "visual."));
      save(folder.resolve(unet), all, below(all, UNET, ""));
      Map<String, String> own = below(all, VAE, "");
      save(folder.resolve(vae), all, torch ? publicNames(own) : own);
      state(all, name -> !name.startsWith(convNext));
    }
    Path model = folder.resolve("models/" + layout);
    assertEquals(Set.of(), importTo(model, encoder));
    return model;
  }

  /** Everything that is no original network's, in one PyTorch file. */
  private void state(TensorSource all, Predicate<String> more) throws IOException {
    Map<String, String> own = new LinkedHashMap<>();
    for (String name : all.names()) {
      boolean original =
          name.startsWith(UNET) || name.startsWith(VAE) || isLlama(name) || !more.test(name);
      if (!original && all.info(name).type().isFloating() && isParameter(name)) {
        own.put(name, name);
      }
    }
    save(folder.resolve("state/pytorch_model.bin"), all, own);
  }

  /** Not the buffers and second names that the reference's state has besides. */
  private static boolean isParameter(String name) {
    return !name.equals(VISUAL + "neg_prompt_embeds")
        && !name.endsWith("clip_mean")
        && !name.endsWith("clip_std");
  }

  private static boolean isLlama(String name) {
    return name.startsWith("mm_decoder.")
        && !name.contains("llama_cross_attn")
        && !name.contains("embed_tokens");
  }

  private void language(TensorSource all, Layout layout) throws IOException {
    Map<String, String> names = new LinkedHashMap<>();
    all.names().stream()
        .filter(OriginalLayoutsTest::isLlama)
        .forEach(name -> names.put(name.replace("mm_decoder.", "model."), name));
    boolean torch = layout == Layout.PYTORCH || layout == Layout.PYTORCH_SHARDS;
    String stem = torch ? "pytorch_model" : "model";
    String ending = torch ? ".bin" : ".safetensors";
    if (layout == Layout.SAFETENSORS || layout == Layout.PYTORCH) {
      save(llama.resolve(stem + ending), all, names);
      return;
    }
    Map<String, Map<String, String>> shards = new TreeMap<>();
    Map<String, String> map = new LinkedHashMap<>();
    names.forEach(
        (there, own) -> {
          String shard = stem + "-0000" + (1 + map.size() % 3) + "-of-00003" + ending;
          shards.computeIfAbsent(shard, key -> new LinkedHashMap<>()).put(there, own);
          map.put(there, shard);
        });
    for (Map.Entry<String, Map<String, String>> shard : shards.entrySet()) {
      save(llama.resolve(shard.getKey()), all, shard.getValue());
    }
    Files.writeString(
        llama.resolve(stem + ending + ".index.json"), new Gson().toJson(Map.of("weight_map", map)));
  }

  /** What the VAE's attention is called in the checkpoints that are public. */
  private static Map<String, String> publicNames(Map<String, String> names) {
    Map<String, String> old = new LinkedHashMap<>();
    names.forEach(
        (there, own) ->
            old.put(
                there
                    .replace(".to_q.", ".query.")
                    .replace(".to_k.", ".key.")
                    .replace(".to_v.", ".value.")
                    .replace(".to_out.0.", ".proj_attn."),
                own));
    assertEquals(16, old.keySet().stream().filter(name -> !names.containsKey(name)).count());
    return old;
  }

  private static Map<String, String> below(TensorSource all, String prefix, String there) {
    Map<String, String> names = new LinkedHashMap<>();
    all.names().stream()
        .filter(name -> name.startsWith(prefix))
        .forEach(name -> names.put(there + name.substring(prefix.length()), name));
    return names;
  }

  private static void save(Path file, TensorSource source, Map<String, String> names)
      throws IOException {
    if (file.toString().endsWith(".bin")) {
      TorchArchive.write(file, source, names);
      return;
    }
    SafetensorsWriter writer = new SafetensorsWriter();
    names.forEach(
        (there, own) ->
            writer.floats(
                there, ElementType.F32, source.info(own).shape(), () -> source.floats(own)));
    Files.createDirectories(file.getParent());
    writer.write(file);
  }

  // ---------------------------------------------------------------- vision transformers

  @ParameterizedTest
  @ValueSource(strings = {"transformers", "open_clip"})
  void anImportedTransformerGivesTheReferencesNumbers(String layout) throws IOException {
    ClipVitEncoder.Config vit =
        new ClipVitEncoder.Config(64, 16, 24, 40, 12, 12, ClipActivation.QUICK_GELU, 1e-5);
    DeemConfig seeing = withEncoder(new VitAdapter.Config(vit, 8, 4, 16));
    architecture(seeing);
    Path encoder = Files.createDirectories(folder.resolve("clip"));
    try (SafetensorsFile all = weights(MODEL);
        SafetensorsFile fixture = weights(TRANSFORMER)) {
      language(all, Layout.SAFETENSORS);
      save(
          folder.resolve("sd/unet/diffusion_pytorch_model.safetensors"), all, below(all, UNET, ""));
      save(folder.resolve("sd/vae/diffusion_pytorch_model.safetensors"), all, below(all, VAE, ""));
      state(all, name -> !name.startsWith(SNIFFER));
      if (layout.equals("transformers")) {
        Map<String, String> names = new LinkedHashMap<>();
        trunk(fixture).forEach(name -> names.put(name, name));
        save(encoder.resolve("pytorch_model.bin"), fixture, names);
      } else {
        openClip(encoder.resolve("open_clip_model.safetensors"), fixture);
      }
    }
    Path model = folder.resolve("models/vit");
    Set<String> leftOver = importTo(model, encoder);
    assertEquals(
        layout.equals("open_clip")
            ? Set.of("logit_scale", "visual.ln_post.weight", "visual.proj")
            : Set.of(),
        leftOver);
    assertEquals(0, verifyTransformer(model, seeing), () -> out);
    assertEquals(0, deem("describe-model", "--config", model), () -> err);
    assertTrue(
        out.contains("CLIP ViT with adapter, 12 layers of width 24, patches of 16 pixels"), out);
  }

  private DeemConfig withEncoder(VitAdapter.Config encoder) {
    return new DeemConfig(
        config.imageSize(),
        config.drawnSize(),
        config.special(),
        config.originalVocabulary(),
        encoder,
        config.visualResampler(),
        config.visualTokenizer(),
        config.languageModel(),
        config.contextResampler(),
        config.autoencoder(),
        config.denoiser(),
        config.denoiserResiduals(),
        config.prediction());
  }

  /** The transformer without its adapter. */
  private static List<String> trunk(TensorSource fixture) {
    return fixture.names().stream()
        .filter(name -> fixture.info(name).type().isFloating())
        .filter(name -> ModelPart.of(SNIFFER + name) == ModelPart.IMAGE_ENCODER)
        .toList();
  }

  /** The fixture's check on the imported transformer and the fixture's own adapter. */
  private int verifyTransformer(Path model, DeemConfig seeing) throws IOException {
    Path copy = Files.createDirectories(folder.resolve("fixture"));
    for (String file : List.of("config.json", "io.safetensors")) {
      Files.copy(TRANSFORMER.resolve(file), copy.resolve(file));
    }
    try (SafetensorsFile own = weights(TRANSFORMER);
        ModelFolder opened = ModelFolder.open(model)) {
      assertEquals(seeing, opened.description().architecture());
      List<String> trunk = trunk(own);
      assertEquals(5 + 12 * 16, trunk.size());
      SafetensorsWriter writer = new SafetensorsWriter();
      for (String name : own.names()) {
        if (own.info(name).type().isFloating()) {
          boolean imported = trunk.contains(name);
          writer.floats(
              name,
              ElementType.F32,
              own.info(name).shape(),
              () -> imported ? opened.weights().floats(SNIFFER + name) : own.floats(name));
        }
      }
      writer.write(copy.resolve("model.safetensors"));
    }
    return deem("verify", copy);
  }

  /** The same transformer as open_clip calls it, queries, keys and values in one matrix. */
  private static void openClip(Path file, TensorSource fixture) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    for (String name : trunk(fixture)) {
      String own = name.substring("vision_model.".length());
      long[] shape = fixture.info(name).shape();
      if (own.contains(".k_proj.") || own.contains(".v_proj.")) {
        continue;
      }
      String there =
          own.replace("encoder.layers.", "transformer.resblocks.")
              .replace("embeddings.class_embedding", "class_embedding")
              .replace("embeddings.position_embedding.weight", "positional_embedding")
              .replace("embeddings.patch_embedding", "conv1")
              .replace("pre_layrnorm", "ln_pre")
              .replace("layer_norm", "ln_")
              .replace("mlp.fc1", "mlp.c_fc")
              .replace("mlp.fc2", "mlp.c_proj")
              .replace("self_attn.q_proj.", "attn.in_proj_")
              .replace("self_attn.", "attn.");
      if (own.contains(".q_proj.")) {
        shape[0] *= 3;
        writer.floats(
            "visual." + there,
            ElementType.F32,
            shape,
            () ->
                joined(
                    fixture.floats(name),
                    fixture.floats(name.replace(".q_proj.", ".k_proj.")),
                    fixture.floats(name.replace(".q_proj.", ".v_proj."))));
      } else {
        writer.floats("visual." + there, ElementType.F32, shape, () -> fixture.floats(name));
      }
    }
    for (String besides : List.of("logit_scale", "visual.ln_post.weight", "visual.proj")) {
      writer.floats(besides, ElementType.F32, new long[] {1}, () -> new float[1]);
    }
    writer.write(file);
  }

  private static float[] joined(float[]... parts) {
    float[] whole = new float[parts.length * parts[0].length];
    for (int i = 0; i < parts.length; i++) {
      System.arraycopy(parts[i], 0, whole, i * parts[i].length, parts[i].length);
    }
    return whole;
  }
}
