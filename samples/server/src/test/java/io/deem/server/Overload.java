package io.deem.server;

import java.io.IOException;
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

/**
 * Asks a server more than it can answer.
 *
 * <pre>{@code Overload ADDRESS CALLERS SECONDS}</pre>
 *
 * <p>prints how long accepted requests take with one caller and with many, how many were refused
 * and how long that took.
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

  public static void main(String[] args) throws InterruptedException {
    Overload load = new Overload(args[0]);
    load.run(1, 5);
    System.out.println("alone: " + load.run(1, 15));
    System.out.println(
        "overloaded: " + load.run(Integer.parseInt(args[1]), Double.parseDouble(args[2])));
  }
}
