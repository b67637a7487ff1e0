package io.deem.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/**
 * Asks a server more than it can answer.
 *
 * <pre>{@code Overload ADDRESS CALLERS SECONDS}</pre>
 *
 * <p>prints how long accepted requests take with one caller and with many, how many were refused
 * and how long that took, and how much of the server's heap was in use after the collections of the
 * first and of the last quarter of the time.
 */
final class Overload {

  private final HttpClient client = HttpClient.newHttpClient();
  private final HttpRequest request;

  /** Asks a question about a picture. */
  Overload(String address) {
    String body =
        "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\","
            + " \"image_url\": {\"url\": \""
            + TestPictures.dataUrl()
            + "\"}}, {\"type\": \"text\", \"text\": \"how many apples are there ?\"}]}]}";
    request =
        HttpRequest.newBuilder(URI.create(address + "/v1/chat/completions"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
  }

  /**
   * What came of it.
   *
   * @param accepted seconds that each answered request took
   * @param refused seconds until each was told to come later
   * @param failed requests that met anything else
   */
  record Result(List<Double> accepted, List<Double> refused, int failed) {

    double percentile(List<Double> of, double share) {
      if (of.isEmpty()) {
        return Double.NaN;
      }
      List<Double> sorted = new ArrayList<>(of);
      Collections.sort(sorted);
      return sorted.get((int) Math.min(sorted.size() - 1, share * sorted.size()));
    }

    @Override
    public String toString() {
      return String.format(
          "%d answered, p50 %.1f ms, p99 %.1f ms; %d refused, p99 %.1f ms; %d failed",
          accepted.size(),
          1e3 * percentile(accepted, 0.5),
          1e3 * percentile(accepted, 0.99),
          refused.size(),
          1e3 * percentile(refused, 0.99),
          failed);
    }
  }

  /** Callers that each ask as soon as they have been answered or refused. */
  Result run(int callers, double seconds) throws InterruptedException {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    ExecutorService threads = Executors.newFixedThreadPool(callers);
    List<Future<Result>> all = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      all.add(threads.submit(() -> call(end)));
    }
    Result sum = new Result(new ArrayList<>(), new ArrayList<>(), 0);
    for (Future<Result> each : all) {
      try {
        Result part = each.get();
        sum.accepted.addAll(part.accepted);
        sum.refused.addAll(part.refused);
        sum = new Result(sum.accepted, sum.refused, sum.failed + part.failed);
      } catch (ExecutionException e) {
        throw new IllegalStateException(e);
      }
    }
    threads.shutdown();
    return sum;
  }

  private Result call(long end) throws InterruptedException {
    List<Double> accepted = new ArrayList<>();
    List<Double> refused = new ArrayList<>();
    int failed = 0;
    while (System.nanoTime() < end) {
      long start = System.nanoTime();
      int status;
      try {
        status = client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
      } catch (IOException e) {
        status = 0;
      }
      double taken = (System.nanoTime() - start) / 1e9;
      if (status == 200) {
        accepted.add(taken);
      } else if (status == 429) {
        refused.add(taken);
        // Sooner than it was told, but not at once.
        Thread.sleep(20);
      } else {
        failed++;
      }
    }
    return new Result(accepted, refused, failed);
  }

  /**
   * Bytes of the server's heap that are in use, of which it may not yet know that some are free.
   */
  private double heap() throws InterruptedException {
    try {
      return client
          .send(
              HttpRequest.newBuilder(request.uri().resolve("/actuator/prometheus")).build(),
              HttpResponse.BodyHandlers.ofLines())
          .body()
          .filter(line -> line.startsWith("jvm_memory_used_bytes{area=\"heap\""))
          .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
          .sum();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The heap each second, until interrupted. */
  private List<Double> heaps() {
    List<Double> heaps = new ArrayList<>();
    try {
      while (true) {
        heaps.add(heap());
        Thread.sleep(1000);
      }
    } catch (InterruptedException e) {
      return heaps;
    }
  }

  /** The least is what was in use after a collection. */
  private static double least(List<Double> bytes) {
    return Collections.min(bytes) / (1 << 20);
  }

  /** Measures; see the class. */
  public static void main(String[] args) throws Exception {
    Overload load = new Overload(args[0]);
    int callers = Integer.parseInt(args[1]);
    // A server that has just started compiles while it answers.
    load.run(callers, 20);
    System.out.println("alone: " + load.run(1, 20));
    FutureTask<List<Double>> watching = new FutureTask<>(load::heaps);
    Thread watcher = new Thread(watching);
    watcher.start();
    System.out.println("overloaded: " + load.run(callers, Double.parseDouble(args[2])));
    watcher.interrupt();
    List<Double> heaps = watching.get();
    int quarter = Math.max(1, heaps.size() / 4);
    System.out.printf(
        "heap: %.0f MiB, then %.0f MiB%n",
        least(heaps.subList(0, quarter)),
        least(heaps.subList(heaps.size() - quarter, heaps.size())));
  }
}
