package io.deem.android;

import android.graphics.Bitmap;
import android.os.Handler;
import android.os.Looper;
import io.deem.Answer;
import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.Perceiver;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;

/**
 * The model and what is asked of it. It lives as long as the process, while activities come and go
 * with every turn of the device. Methods are called on the main thread; the model works on another,
 * one thing at a time, and what is begun later ends what runs.
 */
final class Eyes {

  /** Small, as a phone shows one picture at a time. */
  private static final long CACHE_BYTES = 8L << 20;

  private static final GenerationOptions TEXT = GenerationOptions.defaults();

  /** Is shown every change. */
  interface Watcher {
    /** Called on the main thread. */
    void onScene(Scene scene);
  }

  /** Work for the model. */
  private interface Job {
    void run(Cancellation mine) throws Exception;
  }

  private final File model;
  private final Handler main = new Handler(Looper.getMainLooper());
  private final ExecutorService worker =
      Executors.newSingleThreadExecutor(work -> new Thread(work, "eyes"));

  // Of the main thread.
  private Scene scene = Scene.EMPTY;
  private Watcher watcher;
  private Cancellation running = new Cancellation();

  /** Of the worker; null while the model is closed. */
  private Deem deem;

  /** Eyes of an exported model, which is opened when it is needed. */
  Eyes(File model) {
    this.model = model;
  }

  Scene scene() {
    return scene;
  }

  /** Shows what there is to see from now on, to this watcher alone. */
  void watch(Watcher other) {
    watcher = other;
    other.onScene(scene);
  }

  /** Ends {@link #watch}, unless another watches already. */
  void unwatch(Watcher other) {
    if (watcher == other) {
      watcher = null;
    }
  }

  /** Shows a picture and describes it. */
  void show(Callable<InputStream> source) {
    begin(
        "Reading\u2026",
        mine -> {
          Image picture;
          try (InputStream stream = source.call()) {
            if (stream == null) {
              throw new IOException("the picture is not there any more");
            }
            picture = Image.read(stream);
          }
          Bitmap bitmap = BitmapImageCodec.toBitmap(picture);
          change(mine, now -> now.showing(picture, bitmap).working("Looking\u2026"));
          describe(picture, mine);
        });
  }

  /**
   * Describes a part of the picture.
   *
   * @param outline see {@link Scene#outline}
   */
  void look(double[] outline) {
    if (scene.picture() != null) {
      update(scene.about(outline));
      Scene asked = scene;
      begin("Looking\u2026", mine -> describe(asked.subject(), mine));
    }
  }

  /** Answers a question about the picture, or the part of it. */
  void ask(String question) {
    if (scene.picture() != null && !question.trim().isEmpty()) {
      update(scene.asking(question.trim()));
      Scene asked = scene;
      begin(
          "Thinking\u2026",
          mine -> {
            Perceiver perceiver = perceiver(mine);
            Answer answer =
                perceiver.ask(
                    asked.subject(),
                    question,
                    TEXT,
                    piece -> change(mine, now -> now.answering(piece)));
            String sure = String.format(" (%.0f %%)", 100 * answer.probability());
            change(mine, now -> now.answering(sure).done(""));
          });
    }
  }

  /** Ends what runs at its next token. */
  void stop() {
    running.cancel();
  }

  /** Gives the model's memory back when nothing runs; it is opened again when it is needed. */
  void trim() {
    worker.execute(this::closeModel);
  }

  /** Ends everything. */
  void close() {
    stop();
    trim();
    worker.shutdown();
  }

  private void describe(Image subject, Cancellation mine) throws IOException {
    perceiver(mine).describe(subject, TEXT, piece -> change(mine, now -> now.saying(piece)));
    change(mine, now -> now.done(""));
  }

  private Perceiver perceiver(Cancellation mine) throws IOException {
    mine.check();
    if (deem == null) {
      deem =
          Deem.open(
              model.toPath(),
              DeemOptions.defaults().withRuntime("exported").withCacheBytes(CACHE_BYTES));
    }
    return deem.perceiver().withCancellation(mine);
  }

  private void closeModel() {
    if (deem != null) {
      deem.close();
      deem = null;
    }
  }

  private void begin(String what, Job job) {
    running.cancel();
    Cancellation mine = new Cancellation();
    running = mine;
    update(scene.working(what));
    worker.execute(
        () -> {
          try {
            job.run(mine);
          } catch (CancellationException e) {
            change(mine, now -> now.done("Stopped"));
          } catch (Exception e) {
            // Whatever a file or the engine is up to, the user is told.
            change(mine, now -> now.done(String.valueOf(e.getMessage())));
          }
        });
  }

  /** Changes the scene, unless something else has been begun. */
  private void change(Cancellation mine, UnaryOperator<Scene> by) {
    main.post(
        () -> {
          if (running == mine) {
            update(by.apply(scene));
          }
        });
  }

  private void update(Scene now) {
    scene = now;
    if (watcher != null) {
      watcher.onScene(now);
    }
  }
}
