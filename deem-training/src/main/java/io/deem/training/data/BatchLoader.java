package io.deem.training.data;

import java.io.IOException;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands out the batches of a {@link BatchSource} in their order, made ahead on background threads;
 * no more than a fixed number wait at any time. The batches are the same for any number of threads,
 * and {@link #position} is all that has to be kept to go on later.
 *
 * <p>Broken samples are counted and logged as the batches that lack them are handed out. For one
 * consumer.
 */
public final class BatchLoader implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(BatchLoader.class);

  /** The share of broken samples counts as if at least this many, or all there are, were read. */
  private static final long FEWEST_READ = 1000;

  private static final int MOST_NAMED = 1000;

  /**
   * How batches are made ahead.
   *
   * @param threads that decode pictures, at least 1
   * @param ahead batches that may wait, at least 1
   * @param mostBroken largest share of broken samples, 0 to 1, before the run ends
   */
  public record Options(int threads, int ahead, double mostBroken) {

    /** One thread, four batches ahead, one broken sample in a hundred. */
    public static final Options DEFAULT = new Options(1, 4, 0.01);

    /** Checks the numbers. */
    public Options {
      if (threads < 1 || ahead < 1 || !(mostBroken >= 0 && mostBroken <= 1)) {
        throw new IllegalArgumentException(
            "a loader with "
                + threads
                + " threads, "
                + ahead
                + " ahead, "
                + mostBroken
                + " broken");
      }
    }

    /** The same with another number of threads. */
    public Options withThreads(int number) {
      return new Options(number, ahead, mostBroken);
    }

    /** The same with another share of broken samples allowed. */
    public Options withMostBroken(double share) {
      return new Options(threads, ahead, share);
    }
  }

  private final BatchSource source;
  private final Options options;
  private final ExecutorService pool;
  private final Deque<Future<Batch>> ahead = new ArrayDeque<>();
  private final Map<String, BrokenItem> named = new LinkedHashMap<>();
  private long position;
  private long read;
  private long broken;

  /**
   * A loader.
   *
   * @param position number of the first batch to hand out, from 0
   */
  public BatchLoader(BatchSource source, long position, Options options) {
    if (position < 0) {
      throw new IllegalArgumentException("position must be at least 0, not " + position);
    }
    this.source = source;
    this.position = position;
    this.options = options;
    this.pool =
        Executors.newFixedThreadPool(
            options.threads,
            work -> {
              Thread thread = new Thread(work, "deem-data");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Number of the batch that {@link #next} hands out next; what a checkpoint keeps. */
  public long position() {
    return position;
  }

  /** How often a broken sample was met. */
  public long brokenCount() {
    return broken;
  }

  /** The first thousand different broken samples. */
  public List<BrokenItem> broken() {
    return List.copyOf(named.values());
  }

  /**
   * The next batch.
   *
   * @throws IOException if too many samples are broken, or a data set cannot be read
   * @throws CancellationException if the thread is interrupted
   */
  public Batch next() throws IOException {
    while (ahead.size() < options.ahead) {
      long number = position + ahead.size();
      ahead.add(pool.submit(() -> source.batch(number)));
    }
    Batch batch = take();
    position++;
    count(batch);
    return batch;
  }

  private Batch take() throws IOException {
    try {
      return ahead.remove().get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw new IOException(cause.getMessage(), cause);
      }
      throw new IllegalStateException(String.valueOf(e.getCause().getMessage()), e.getCause());
    }
  }

  private void count(Batch batch) throws IOException {
    read += batch.samples().size() + batch.broken().size();
    broken += batch.broken().size();
    for (BrokenItem item : batch.broken()) {
      String key = item.dataSet() + "\n" + item.item();
      if (named.size() < MOST_NAMED && named.putIfAbsent(key, item) == null) {
        LOG.warn("left out {}", item);
      }
    }
    long counted = Math.max(read, Math.min(source.samples(), FEWEST_READ));
    if (broken > options.mostBroken * counted) {
      BrokenItem first = named.values().iterator().next();
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%d of %d samples are broken, more than %s %%; the first: %s",
              broken,
              counted,
              new DecimalFormat("0.###", DecimalFormatSymbols.getInstance(Locale.ROOT))
                  .format(100 * options.mostBroken),
              first));
    }
  }

  /** Ends the background threads. */
  @Override
  public void close() {
    pool.shutdownNow();
    ahead.clear();
  }
}
