package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Image;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What the pages of docs tell a reader to write: it compiles, runs, and is understood. */
class RecipesTest {
  private static final Path ROOT = Path.of("..", "..");
  private static final Path DOCS = ROOT.resolve("docs");
  private static final Pattern JAVA = Pattern.compile("(?s)```java\\n(.*?)```");
  private static final Pattern COMMAND = Pattern.compile("(?m)^    deem (.*)$");
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");

  @TempDir Path folder;

  /** All blocks of a page, one after the other, as the reader would write them. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "perceive.md",
        "regions.md",
        "chat.md",
        "align.md",
        "fine-tune.md",
        "../README.md"
      })
  void codeOfAPageRuns(String page) throws IOException, InterruptedException {
    String text = Files.readString(DOCS.resolve(page));
    String body =
        JAVA.matcher(text).results().map(block -> block.group(1)).collect(Collectors.joining("\n"));
    assertFalse(body.isBlank(), page + " has no code");
    writePictures(body);
    compile(
        "Page",
        """
        import io.deem.*;
        import io.deem.mini.DeemMini;
        import java.nio.file.Path;
        import java.util.List;

        class Page {
          public static void main(String[] args) throws Exception {
        %s
          }
        }
        """
            .formatted(body));
    String out = run("Page");
    assertFalse(out.isBlank(), page + " printed nothing");
  }

  /** The first program answers, and asks Maven for this version. */
  @Test
  void firstProgramAnswers() throws IOException, InterruptedException {
    String page = Files.readString(DOCS.resolve("start.md"));
    Matcher program = JAVA.matcher(page);
    assertTrue(program.find(), "start.md has no program");
    writePictures(page);
    compile("See", program.group(1));
    String out = run("See", "photo.png", "is there a cat ?");
    assertTrue(out.matches("(?s)(yes|no) 0\\.\\d+\\s*"), out);

    Matcher built =
        Pattern.compile("deem-parent</artifactId>\\s*<version>([^<]*)<")
            .matcher(Files.readString(ROOT.resolve("pom.xml")));
    Matcher asked = Pattern.compile("deem-mini</artifactId>\\s*<version>([^<]*)<").matcher(page);
    assertTrue(built.find() && asked.find(), "no version is asked for");
    assertEquals(built.group(1), asked.group(1));
  }

  private void writePictures(String body) throws IOException {
    Path pictures = ROOT.resolve(Path.of("samples", "quickstart", "pictures"));
    Path photos = Files.createDirectories(folder.resolve("photos"));
    StringBuilder lines = new StringBuilder();
    for (int i = 1; i <= 4; i++) {
      String name = i + ".png";
      Image.read(pictures.resolve("0" + i + "-fluent.png")).write(photos.resolve(name));
      lines.append("{\"image\": \"").append(name).append("\", \"caption\": \"a trumpet\"}\n");
    }
    if (body.contains("trainer()")) {
      Files.writeString(photos.resolve("data.jsonl"), lines);
    }
    Files.copy(photos.resolve("1.png"), folder.resolve("photo.png"));
    Files.copy(photos.resolve("1.png"), folder.resolve("photo.jpg"));
  }

  private void compile(String name, String program) throws IOException {
    Path source = folder.resolve(name + ".java");
    Files.writeString(source, program);
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter complaints = new StringWriter();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      List<String> options =
          List.of("-proc:none", "-cp", System.getProperty("java.class.path"), "-d", "" + folder);
      boolean compiled =
          compiler
              .getTask(
                  complaints, files, null, options, null, files.getJavaFileObjects(source.toFile()))
              .call();
      assertTrue(compiled, complaints.toString());
    }
  }

  private String run(String... program) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String name :
        List.of("ai.djl.offline", "DJL_CACHE_DIR", "logback.configurationFile", "deem.cache")) {
      String value = System.getProperty(name);
      if (value != null) {
        command.add("-D" + name + "=" + value);
      }
    }
    String classes = System.getProperty("java.class.path");
    command.addAll(
        List.of("-Xmx1g", "-cp", folder + System.getProperty("path.separator") + classes));
    command.addAll(List.of(program));
    Path out = folder.resolve("out.txt");
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .start();
    assertTrue(process.waitFor(5, TimeUnit.MINUTES), "the page's program does not end");
    assertEquals(0, process.exitValue(), Files.readString(out));
    return Files.readString(out);
  }

  /** The command line takes every command that a page shows. */
  @Test
  void commandsOfAllPagesAreUnderstood() throws IOException {
    int commands = 0;
    for (Path page : pages()) {
      Matcher shown = COMMAND.matcher(Files.readString(page));
      while (shown.find()) {
        String line = shown.group(1).replaceAll("\\s+#.*", "");
        List<String> words =
            WORD.matcher(line)
                .results()
                .map(word -> word.group(1) != null ? word.group(1) : word.group(2))
                .toList();
        try {
          PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
          DeemCommand.line(nowhere, nowhere).parseArgs(words.toArray(new String[0]));
        } catch (CommandLine.ParameterException e) {
          throw new AssertionError(
              page.getFileName() + ": deem " + line + ": " + e.getMessage(), e);
        }
        commands++;
      }
    }
    assertTrue(commands > 20, commands + " commands");
  }

  private static List<Path> pages() throws IOException {
    try (Stream<Path> files = Files.list(DOCS)) {
      return files.filter(file -> file.toString().endsWith(".md")).sorted().toList();
    }
  }

  /** No page points to a file that is not there. */
  @Test
  void linksOfAllPagesLead() throws IOException {
    List<Path> all = new ArrayList<>(pages());
    all.add(ROOT.resolve("README.md"));
    for (Path page : all) {
      Matcher link = Pattern.compile("\\]\\(([^)#:]+)(#[^)]*)?\\)").matcher(Files.readString(page));
      while (link.find()) {
        Path to = page.resolveSibling(link.group(1));
        assertTrue(Files.exists(to), page.getFileName() + " points to " + link.group(1));
      }
    }
  }
}
