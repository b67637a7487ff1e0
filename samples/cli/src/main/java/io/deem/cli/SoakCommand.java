package io.deem.cli;

import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.Perceiver;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Many threads ask one model for long, and memory is watched. */
@Command(
    name = "soak",
    description = {
      "Ask one model from many threads, and cancel some requests.",
      "Fails if an answer differs from what one thread alone was told. Prints the memory of the"
          + " process on the way, where the system tells it."
    })
final class SoakCommand implements Callable<Integer> {

  /** Requests that differ: one kind each of a few pictures. */
  private static final int PICTURES = 4;

  /** Another order of sums in a batch or thread may move the last digits. */
  private static final double TOLERANCE = 1e-4;

  private static final String QUESTION = "Is there a dog in the image?";

  @Mixin private ModelOptions model;
  @Spec private CommandSpec spec;

  @Option(
      names = "--callers",
      paramLabel = "N",
      defaultValue = "16",
      description = "Threads that ask; by default ${DEFAULT-VALUE}.")
  private int callers;

  @Option(
      names = "--requests",
      paramLabel = "N",
      defaultValue = "200",
      description = "Requests of each thread; by default ${DEFAULT-VALUE}.")
  private int requests;

  @Option(
      names = "--cancelled",
      paramLabel = "N",
      defaultValue = "100",
      description = "Requests that are cancelled afterwards; by default ${DEFAULT-VALUE}.")
  private int cancelled;

  private record Said(String text, double number) {
    boolean agrees(Said other) {
      return text.equals(other.text) && Math.abs(number - other.number) <= TOLERANCE;
    }
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (callers < 1 || requests < 1 || cancelled < 0) {
      throw new ParameterException(
          spec.commandLine(), "--callers and --requests must be at least 1, --cancelled 0");
    }
    PrintWriter out = spec.commandLine().getOut();
    try (Deem deem = model.open()) {
      List<Said> alone = new ArrayList<>();
      for (int kind = 0; kind < 4 * PICTURES; kind++) {
        alone.add(say(deem.perceiver(), kind));
      }
      out.printf("alone: %d requests, %s%n", alone.size(), memory());
      int wrong = ask(deem, alone, out);
      int ended = cancel(deem);
      boolean same = say(deem.perceiver(), 0).agrees(alone.get(0));
      out.printf("%d cancelled, %s%n", ended, memory());
      out.printf("%d of %d answers differ%n", wrong, callers * requests);
      return wrong == 0 && same ? 0 : 1;
    }
  }

  private int ask(Deem deem, List<Said> alone, PrintWriter out) throws InterruptedException {
    ExecutorService threads = Executors.newFixedThreadPool(callers);
    AtomicInteger done = new AtomicInteger();
    int tenth = Math.max(1, callers * requests / 10);
    try {
      List<Future<Integer>> asking = new ArrayList<>();
      for (int caller = 0; caller < callers; caller++) {
        Random order = new Random(caller);
        asking.add(
            threads.submit(
                () -> {
                  int wrong = 0;
                  for (int i = 0; i < requests; i++) {
                    int kind = order.nextInt(alone.size());
                    wrong += say(deem.perceiver(), kind).agrees(alone.get(kind)) ? 0 : 1;
                    int count = done.incrementAndGet();
                    if (count % tenth == 0) {
                      out.printf("%d requests, %s%n", count, memory());
                      out.flush();
                    }
                  }
                  return wrong;
                }));
      }
      int wrong = 0;
      for (Future<Integer> each : asking) {
        wrong += each.get();
      }
      return wrong;
    } catch (ExecutionException e) {
      throw new IllegalStateException("a request failed: " + e.getCause().getMessage(), e);
    } finally {
      threads.shutdownNow();
    }
  }

  private int cancel(Deem deem) {
    int ended = 0;
    for (int i = 0; i < cancelled; i++) {
      Cancellation cancellation = new Cancellation();
      Perceiver cancellable = deem.perceiver().withCancellation(cancellation);
      try {
        cancellable.ask(
            picture(i % PICTURES),
            QUESTION,
            GenerationOptions.defaults().withMinNewTokens(8),
            piece -> cancellation.cancel());
        throw new IllegalStateException("a cancelled request was answered");
      } catch (CancellationException e) {
        ended++;
      }
    }
    return ended;
  }

  private static Said say(Perceiver eyes, int kind) {
    Image picture = picture(kind % PICTURES);
    return switch (kind / PICTURES) {
      case 0 -> {
        var caption = eyes.describe(picture);
        yield new Said(caption.text(), caption.probability());
      }
      case 1 -> {
        var answer = eyes.ask(picture, QUESTION);
        yield new Said(answer.text(), answer.probability());
      }
      case 2 -> {
        var choice = eyes.choose(picture, QUESTION, "yes", "no").get(0);
        yield new Said(choice.text(), choice.share());
      }
      default -> {
        var both = eyes.ask(List.of(picture, picture(0)), QUESTION);
        yield new Said(both.get(0).text() + both.get(1).text(), both.get(0).probability());
      }
    };
  }

  private static Image picture(int seed) {
    byte[] rgb = new byte[64 * 64 * 3];
    new Random(seed).nextBytes(rgb);
    return Image.ofRgb(64, 64, rgb);
  }

  /** What the process holds of the machine's memory; Linux tells. */
  private static String memory() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .map(line -> line.substring("VmRSS:".length()).strip() + " resident")
          .findFirst()
          .orElse("memory unknown");
    } catch (IOException e) {
      return "memory unknown";
    }
  }
}
