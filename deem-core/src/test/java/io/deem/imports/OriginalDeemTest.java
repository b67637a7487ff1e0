package io.deem.imports;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Param;
import io.deem.model.ClipActivation;
import io.deem.model.ClipVitEncoder;
import io.deem.model.ConvNextEncoder;
import io.deem.model.DeemConfig;
import io.deem.model.ModelFolder;
import io.deem.model.ModelPart;
import io.deem.model.VitAdapter;
import io.deem.weights.ElementType;
import io.deem.weights.PyTorchWriter;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** From every layout to a model folder and back, value by value; and what is refused. */
class OriginalDeemTest {

  @TempDir Path folder;
  private SmallOriginals small;
  private Path model;

  @BeforeEach
  void originals() throws IOException {
    small = new SmallOriginals(folder);
    model = folder.resolve("models").resolve("mine");
  }

  /** What new modules start from in this test: a number that tells each parameter. */
  private static final class Initial implements TensorSource {

    private final Map<String, Param> params = new HashMap<>();

    private Initial(List<Param> params) {
      params.forEach(param -> this.params.put(param.name(), param));
    }

    static float value(String name) {
      return name.hashCode() % 1000;
    }

    @Override
    public Set<String> names() {
      return params.keySet();
    }

    @Override
    public TensorInfo info(String name) {
      throw new UnsupportedOperationException(name);
    }

    @Override
    public ByteBuffer bytes(String name) {
      throw new UnsupportedOperationException(name);
    }

    @Override
    public float[] floats(String name) {
      float[] values = new float[SmallOriginals.size(params.get(name))];
      Arrays.fill(values, value(name));
      return values;
    }

    @Override
    public long[] longs(String name) {
      throw new UnsupportedOperationException(name);
    }

    @Override
    public String origin() {
      return "a test";
    }

    @Override
    public void close() {}
  }

  private ImportReport write(Originals originals) throws IOException {
    try (OriginalDeem original = OriginalDeem.open(originals)) {
      original.write(model, "mine", new Initial(original.network().params()), ElementType.F32);
      return original.report();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"safetensors", "pytorch"})
  void aLayoutComesBackValueByValue(String layout) throws IOException {
    Originals originals = layout.equals("pytorch") ? small.pytorch() : small.safetensors();
    ImportReport report = write(originals);
    Set<String> missing =
        report.missing().stream().map(ImportReport.Missing::parameter).collect(Collectors.toSet());
    try (ModelFolder opened = ModelFolder.open(model)) {
      assertEquals(SmallOriginals.CONFIG, opened.description().architecture());
      assertEquals("mine", opened.description().name());
      assertEquals(32_006, opened.tokenizer().vocabularySize());
      for (Param param : small.params) {
        String name = param.name();
        assertEquals(isNew(name), missing.contains(name), name);
        float[] expected = new float[SmallOriginals.size(param)];
        Arrays.fill(expected, Initial.value(name));
        if (!isNew(name)) {
          float[] stored = SmallOriginals.values(name, expected.length);
          boolean table = param.shape().extents()[0] == 32_006;
          int own = table ? SmallOriginals.VOCABULARY * SmallOriginals.WIDTH : expected.length;
          System.arraycopy(stored, 0, expected, 0, own);
        }
        assertArrayEquals(expected, opened.weights().floats(name), name);
      }
    }
    assertEquals(small.params.size(), report.used().size() + missing.size());
    Set<String> leftOver =
        report.leftOver().stream().map(ImportReport.LeftOver::tensor).collect(Collectors.toSet());
    assertEquals(
        Set.of(
            "logit_scale",
            "text.transformer.resblocks.0.ln_1.weight",
            "model.layers.0.self_attn.rotary_emb.inv_freq"),
        leftOver);
    assertEquals(0, report.byPart().get(ModelPart.DENOISER).missingTensors());
    assertEquals(0, report.byPart().get(ModelPart.CROSS_ATTENTION).usedTensors());
  }

  private static boolean isNew(String name) {
    return switch (ModelPart.of(name)) {
      case LANGUAGE_MODEL, IMAGE_ENCODER, AUTOENCODER, DENOISER -> false;
      default -> !name.equals("text_decoder.head.weight");
    };
  }

  @Test
  void aTrainedStateWins() throws IOException {
    ImportReport report = write(small.safetensors().withState(small.state()));
    assertEquals(List.of(), report.missing());
    Map<Boolean, List<ImportReport.LeftOver>> leftOver =
        report.leftOver().stream()
            .collect(Collectors.partitioningBy(ImportReport.LeftOver::superseded));
    assertEquals(
        Set.of(
            "visual_tokenizer.clip_mean",
            "visual_tokenizer.neg_prompt_embeds",
            "logit_scale",
            "text.transformer.resblocks.0.ln_1.weight",
            "model.layers.0.self_attn.rotary_emb.inv_freq"),
        leftOver.get(false).stream()
            .map(ImportReport.LeftOver::tensor)
            .collect(Collectors.toSet()));
    assertEquals(
        small.params.stream().filter(param -> !isNew(param.name())).count(),
        leftOver.get(true).size());
    try (ModelFolder opened = ModelFolder.open(model)) {
      for (Param param : small.params) {
        float[] expected = SmallOriginals.trained(param.name(), SmallOriginals.size(param));
        assertArrayEquals(expected, opened.weights().floats(param.name()), param.name());
      }
    }
  }

  @Test
  void aStateHasAnEncoderOfItsOwn() throws IOException {
    Originals all = small.safetensors();
    Originals without =
        new Originals(
            all.llama(),
            Optional.empty(),
            all.stableDiffusion(),
            Optional.of(small.state()),
            all.architecture());
    assertEquals(List.of(), write(without).missing());
  }

  /** Without an architecture: the checkpoints' own sizes, and the paper's modules around them. */
  @Test
  void theCheckpointsSayTheArchitecture() throws IOException {
    Originals all = small.safetensors();
    try (OriginalDeem original =
        OriginalDeem.open(
            Originals.of(all.llama(), all.encoder().orElseThrow(), all.stableDiffusion()))) {
      DeemConfig config = original.network().config();
      assertEquals(SmallOriginals.CONFIG.autoencoder(), config.autoencoder());
      assertEquals(SmallOriginals.CONFIG.denoiser(), config.denoiser());
      assertEquals(sees(SmallOriginals.CONFIG).dims(), sees(config).dims());
      assertEquals(SmallOriginals.CONFIG.encoder().depths(), config.encoder().depths());
      assertEquals(24, sees(config).embedDim());
      assertEquals(3, config.languageModel().layers());
      assertEquals(32_006, config.languageModel().vocabulary());
      assertEquals(77, config.visualResampler().queries());
      assertEquals(16, config.contextResampler().width());
    }
  }

  /** The same of a transformer: sizes of its tensors, heads and activation of what is beside. */
  @ParameterizedTest
  @ValueSource(strings = {"CLIPVisionModel", "CLIPModel", "open_clip"})
  void theCheckpointsSayTheTransformer(String layout) throws IOException {
    Originals all = small.safetensors();
    Path clip = small.transformer(layout);
    ClipActivation activation =
        layout.equals("open_clip") ? ClipActivation.GELU : ClipActivation.QUICK_GELU;
    try (OriginalDeem original =
        OriginalDeem.open(Originals.of(all.llama(), clip, all.stableDiffusion()))) {
      DeemConfig config = original.network().config();
      // Sixteen patches along a side, as DEEM has positions, whatever the checkpoint saw.
      assertEquals(
          new VitAdapter.Config(
              new ClipVitEncoder.Config(64, 4, 24, 40, 4, 3, activation, 1e-6), 64, 4, 1024),
          config.encoder());
      assertEquals(64, config.imageSize());
      Initial initial = new Initial(original.network().params());
      String positions = TensorNames.POSITIONS;
      float[] table = SmallOriginals.values(positions, 26 * 24);
      assertArrayEquals(
          ClipVitEncoder.resizePositions(table, 24, 16),
          original.weights(initial).floats(positions));
      String key = TensorNames.SNIFFER + "encoder.layers.3.self_attn.k_proj.weight";
      assertArrayEquals(SmallOriginals.values(key, 24 * 24), original.weights(initial).floats(key));
      ImportReport report = original.report();
      assertEquals(0, report.byPart().get(ModelPart.IMAGE_ENCODER).missingTensors());
      assertEquals(0, report.byPart().get(ModelPart.ENCODER_ADAPTER).usedTensors());
      assertTrue(report.leftOver().stream().anyMatch(left -> left.tensor().equals("logit_scale")));
    }
  }

  @Test
  void refusesATransformerOfUnknownHeads() throws IOException {
    Originals all = small.safetensors();
    Path clip = small.transformer("CLIPVisionModel");
    Path config = clip.resolve("config.json");
    Originals originals = Originals.of(all.llama(), clip, all.stableDiffusion());
    Files.writeString(config, Files.readString(config).replace("quick_gelu", "relu"));
    String unknown = refused(originals);
    assertTrue(unknown.startsWith(config + ": hidden_act "), unknown);
    assertTrue(unknown.endsWith(" is not supported"), unknown);
    Files.writeString(config, "{\"num_attention_heads\": 5}");
    assertTrue(refused(originals).contains("divisible by the heads"));
    Files.delete(config);
    assertTrue(refused(originals).contains("needs config.json beside its weights"));
    Path none = folder.resolve("none.safetensors");
    new SafetensorsWriter()
        .floats("logit_scale", ElementType.F32, new long[] {1}, () -> new float[1])
        .write(none);
    String line = refused(Originals.of(all.llama(), none, all.stableDiffusion()));
    assertTrue(line.startsWith(none + ": is neither an open_clip ConvNeXt"), line);
  }

  private static ConvNextEncoder.Config sees(DeemConfig config) {
    return (ConvNextEncoder.Config) config.encoder();
  }

  // ---------------------------------------------------------------- refusals

  @Test
  void refusesAPickleThatRunsSomething() throws IOException {
    Originals originals = small.pytorch();
    Path bad = small.diffusion().resolve("vae/diffusion_pytorch_model.bin");
    new PyTorchWriter().call("decoder.conv_in.bias", "os", "system", "true").write(bad, "archive/");
    assertEquals(
        bad + ": refers to \"os.system\"; only tensors and plain containers are read",
        refused(originals));
  }

  @Test
  void refusesAZipThatLeadsOut() throws IOException {
    Originals originals = small.pytorch();
    Path bad = small.diffusion().resolve("unet/diffusion_pytorch_model.bin");
    new PyTorchWriter().floats("a", new float[1], 1).entry("../evil").write(bad, "archive/");
    assertEquals(bad + ": entry \"../evil\" leads out of the archive", refused(originals));
  }

  @Test
  void refusesAZipBomb() throws IOException {
    Originals originals = small.pytorch();
    Path bad = folder.resolve("convnext/open_clip_pytorch_model.bin");
    try (OutputStream out = Files.newOutputStream(bad);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("archive/data.pkl"));
      for (int i = 0; i < 32; i++) {
        zip.write(new byte[1 << 20]);
      }
      zip.closeEntry();
    }
    assertTrue(refused(originals).startsWith(bad + ": entry \"archive/data.pkl\" is compressed"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"safetensors", "pytorch"})
  void refusesAMissingShard(String layout) throws IOException {
    boolean torch = layout.equals("pytorch");
    Originals originals = torch ? small.pytorch() : small.safetensors();
    String shard =
        torch
            ? SmallOriginals.shard("pytorch_model", 2, "bin")
            : SmallOriginals.shard("model", 2, "safetensors");
    Files.delete(small.llama().resolve(shard));
    assertTrue(refused(originals).endsWith("shard \"" + shard + "\" is missing"));
  }

  @Test
  void refusesWhatDoesNotFit() throws IOException {
    Originals originals = small.safetensors();
    Path vae = small.diffusion().resolve("vae/diffusion_pytorch_model.safetensors");
    byte[] whole = Files.readAllBytes(vae);
    new SafetensorsWriter()
        .floats("decoder.conv_in.bias", ElementType.F32, new long[] {3}, () -> new float[3])
        .write(vae);
    assertTrue(refused(originals).contains("tensor \"decoder.conv_in.bias\" is F32[3], but"));
    new SafetensorsWriter()
        .floats("decoder.conv_in.bias", ElementType.F32, new long[] {16}, () -> new float[16])
        .write(vae);
    assertTrue(refused(originals).startsWith(vae + ": lacks the tensor for "));
    Files.write(vae, whole);

    Path tokenizer = small.llama().resolve("tokenizer.json");
    Files.move(tokenizer, small.llama().resolve("tokenizer.model"));
    assertTrue(refused(originals).contains("has tokenizer.model but no tokenizer.json"));
    Files.move(small.llama().resolve("tokenizer.model"), tokenizer);

    Path config = small.llama().resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("32000", "32001"));
    assertTrue(refused(originals).contains("32001"));
    Files.writeString(config, Files.readString(config).replace("32001", "32000"));

    Files.createDirectories(model);
    Files.writeString(model.resolve("mine.txt"), "mine");
    IOException e = assertThrows(IOException.class, () -> write(originals));
    assertTrue(e.getMessage().endsWith("is already there and not an empty folder"));
    assertEquals("mine", Files.readString(model.resolve("mine.txt")));
  }

  @Test
  void nothingIsLeftWhenWritingFails() throws IOException {
    try (OriginalDeem original = OriginalDeem.open(small.safetensors())) {
      TensorSource none = new Initial(List.of());
      assertThrows(
          RuntimeException.class, () -> original.write(model, "mine", none, ElementType.F32));
    }
    try (Stream<Path> inside = Files.list(model.getParent())) {
      assertEquals(List.of(), inside.toList());
    }
  }

  private String refused(Originals originals) throws IOException {
    IOException e = assertThrows(IOException.class, () -> write(originals));
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    assertTrue(Files.notExists(model.getParent()), "something was written");
    return e.getMessage();
  }
}
